//! Who blocks whom: the wait graph of a log, its cycles and roots.
