//! The polite HTTP client: what may be asked, how often, how long we wait, and what is kept.
//!
//! Everything that leaves this machine goes through [`Client`]: one request per second to a host unless the user chooses otherwise, a name that says who asks,
//! `Retry-After` obeyed, https only (http to this machine), redirects looked at before they are followed, bounds on size and time,
//! and on request pages kept ([`Client::keeping`]) and no network at all ([`Client::offline`]).
//!
//! ```no_run
//! use kanalyze::net::{Client, Manners, Site, SystemClock};
//! use std::sync::Arc;
//!
//! let site: Site = "https://lore.kernel.org".parse()?;
//! let client = Client::new(Manners::default(), Arc::new(SystemClock)).keeping("/var/tmp/pages".into());
//! let page = client.get(&site.page("/all/message-id@example.org/t.mbox.gz"), 16 << 20)?;
//! println!("{} bytes, as of {}", page.body.len(), page.checked);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod body;
mod client;
mod error;
mod kept;
mod pace;
mod response;
mod trust;

pub use address::{AddressError, Site, is_loopback, may_lead, permitted, resolve};
pub use client::{Client, get};
pub use error::HttpError;
pub use pace::{Clock, Manners, SystemClock, backoff};
pub use response::{Page, Response};
