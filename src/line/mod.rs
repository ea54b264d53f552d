//! What precedes a message: printk prefixes and the wrappers that other programs put around them.
