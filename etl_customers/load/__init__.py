"""Writing an import into the target: hashing its passwords, then one transaction for everything else."""
