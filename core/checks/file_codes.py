"""Codes about a file as a whole: why one is refused, and what is told of one that is read. Docs list them."""

#: Nothing is imported. Besides these, a code of a row where not one row can be read.
REFUSALS: dict[str, str] = {
    "empty_file": "There is nothing in it.",
    "not_a_dataset": "It is something else (a picture, an archive, a database, a pickle), whatever its name says.",
    "binary": "It is not text in any known encoding.",
    "unknown_encoding": "The encoding that was named does not exist.",
    "unknown_format": "The columns are those of no known format; say what each of them is.",
    "too_few": "It has fewer than 10 examples.",
    "csv_broken": "A table with a quote that is never closed, or a cell of more than a million characters.",
    "bad_delimiter": "The delimiter that was named is not one character.",
    "duplicate_columns": "Two columns have one name.",
    "too_many_columns": "More than 1 000 columns.",
    "not_json": "An object whose list of rows cannot be reached.",
    "damaged_archive": "It cannot be unpacked, or is cut off.",
    "nested_archive": "It is packed twice.",
    "decompression_bomb": "It unpacks to more than 100 times its size (and more than 64 MB).",
    "damaged_parquet": "It cannot be read as Parquet.",
    "row_group_too_large": "A Parquet row group of more than 1 GB unpacked.",
    "too_much_memory": "Reading it takes more memory than an import may have.",
}

#: The file is imported, and the report says this about it.
NOTES: dict[str, str] = {
    "blank_line": "Blank lines were skipped.",
    "byte_order_mark": "The file begins with a byte order mark, which was left out.",
    "encoding_guessed": "The encoding is a guess: look at the first rows, and name another if letters are wrong.",
    "recoded": "The file is not UTF-8; the rows are kept as UTF-8.",
    "unnamed_column": "A column of a table has no name; it is called by its number.",
    "ignored_columns": "Columns that the format does not use.",
}
