"""How much a file may ask of us. Everything beyond is somebody's mistake, or meant badly."""

#: One example in bytes: a book is 1 MB of text.
LINE_BYTES = 8_000_000
#: Objects and lists inside each other.
DEPTH = 64
#: A cell of a table; a larger one is nearly always a quote that is never closed.
CELL_CHARACTERS = 1_000_000
COLUMNS = 1_000
#: A compressed file may grow to this, or by this factor, whichever is more. Text shrinks to a tenth at best.
UNPACKED_BYTES = 64_000_000
UNPACKED_FACTOR = 100
#: A row group of a Parquet file has to be unpacked in memory.
ROW_GROUP_BYTES = 1_000_000_000
#: What is kept of a row that could not be read, in bytes.
BROKEN_BYTES = 64_000
#: What detection looks at.
HEAD_BYTES = 1_000_000
HEAD_ROWS = 200
