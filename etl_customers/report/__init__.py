"""What an import did, for people and programs: its result, its failed-rows file, its accounts."""
