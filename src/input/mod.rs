//! Where bytes come from: files, stdin, memory maps, compressed streams.
