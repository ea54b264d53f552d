//! Reports as columns: Parquet, Arrow, CSV, SQL.
