"""After the push: whether a served model keeps its promise, watched for as long as one likes.

| module | what it holds |
|---|---|
| `pieces` | constraint -> linear pieces that can be bet on |
| `rounds` | records, one by one -> rounds of a bet |
| `wealth` | the capital of who bets: an e-process |
| `history` | e-values and outcomes over time |
| `monitor` | the monitor: records in, alarms out |
| `reading` | columns of text -> records |
| `state` | a monitor as a file |
| `log` | a file that grows, or standard input, line by line |
| `table` | lines of CSV or JSON -> columns |
"""
