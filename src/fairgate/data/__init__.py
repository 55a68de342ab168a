"""From a table of answers to counted outcomes.

| module | what it holds |
|---|---|
| `columns` | a batch of rows, its columns encoded as numbers; made of arrays and data frames |
| `files` | batches of CSV files, JSON lines and Parquet files |
| `membership` | which values of a column make which group |
| `groups` | the same as people declare it: groups and labels of a dataset |
| `answers` | which values are a Yes, and which a No |
| `counting` | outcomes of each group, counted batch by batch |
"""
