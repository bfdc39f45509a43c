"""The tables, a module a feature. Importing this package registers every table on `Base.metadata`."""
