//! Report kinds as data: TOML files, checked and compiled into matchers.
