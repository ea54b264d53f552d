//! syzbot's dashboard, bundles and programs.
