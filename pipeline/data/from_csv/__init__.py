"""Tables (CSV, Parquet) into a dataset: TFRecord shards of three splits, and a draft of the schema."""
