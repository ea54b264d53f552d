"""A table that a bench printed, kept in a file of benches/record/."""


def keep(rows, record):
    """Prints the rows of a table, and appends them to the file, if one is named."""
    text = "\n".join(rows) + "\n"
    print(text, end="")
    if record:
        with open(record, "a") as out:
            out.write(text + "\n")
