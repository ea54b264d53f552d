//! How large the logs are.

/// The numbers in an environment variable, separated by commas; those given where it is not set. A benchmark that is only
/// tried (`cargo test --benches`) takes the first.
pub(crate) fn sizes(variable: &str, otherwise: &[usize]) -> Vec<usize> {
    let set = std::env::var(variable)
        .ok()
        .map(|text| text.split(',').filter_map(|one| one.trim().parse().ok()).collect::<Vec<_>>());
    let mut sizes = set.filter(|sizes| !sizes.is_empty()).unwrap_or_else(|| otherwise.to_vec());
    if !std::env::args().any(|word| word == "--bench") {
        sizes.truncate(1);
    }
    sizes
}
