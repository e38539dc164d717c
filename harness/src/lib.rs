//! The wire without PostgreSQL in it: streams that pass every byte through rules and record it.
