-- Run once, by the image of PostgreSQL, when its volume is new; customers are in the database that it makes itself.
create database dagster;
