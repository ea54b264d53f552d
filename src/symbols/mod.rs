//! Addresses to source lines: DWARF, symbol tables, KASLR.
