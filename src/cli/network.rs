//! What verbs that ask servers have in common: the polite client, its kept pages, `--offline`.

use crate::files::cache_home;
use crate::net::{Client, Manners, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// How servers are asked.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Network {
    /// Ask no server: answer from the pages that were kept, or say which is missing.
    #[arg(long)]
    pub offline: bool,

    /// Seconds between two requests to one host, at least.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub interval: f64,
}

/// A number of seconds up to an hour.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|seconds| (0.0..=3600.0).contains(seconds)).ok_or_else(|| "0 to 3600 seconds".to_owned())
}

/// A page that was asked for a minute ago has hardly changed.
const FRESH: Duration = Duration::from_secs(60);

impl Network {
    /// The client. Pages are kept in `$XDG_CACHE_HOME/kanalyze/pages`.
    pub(super) fn client(&self) -> Client {
        let manners = Manners { interval: Duration::from_secs_f64(self.interval), fresh: FRESH, ..Manners::default() };
        let client = Client::new(manners, Arc::new(SystemClock)).offline(self.offline);
        match cache_home() {
            Some(home) => client.keeping(home.join("pages")),
            None => client,
        }
    }
}
