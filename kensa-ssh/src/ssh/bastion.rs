//! Connections to jump hosts: one carries all hosts behind it.
//!
//! Without that, a fleet behind one bastion would log in there once per host, and be turned away (`MaxStartups`). A
//! connection is shared only by those who would have made the same one: same hosts in the same order, same accounts,
//! same credentials, same rules for the host's key, same runtime. It ends with the last host behind it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::runtime;

use super::connection::{Connection, open_one};
use super::target::Target;
use crate::error::ConnectError;

type Opened = Result<Arc<Connection>, ConnectError>;
type Opening = Shared<BoxFuture<'static, Opened>>;

/// The way to a jump host, the hosts before it included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Route {
    runtime: runtime::Id,
    hops: Vec<String>,
}

/// What there is of one jump host's connection.
#[derive(Default)]
struct Place {
    open: Weak<Connection>,
    /// An attempt somebody waits for: one answer, good or bad, for all who ask meanwhile.
    opening: Option<WeakShared<BoxFuture<'static, Opened>>>,
}

static PLACES: LazyLock<Mutex<HashMap<Route, Place>>> = LazyLock::new(Mutex::default);

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&PLACES);
}

/// The connection to the last of `hops`, through those before it; `None` without any.
pub(super) async fn last_of(hops: &[Target]) -> Result<Option<Arc<Connection>>, ConnectError> {
    let mut via: Option<Arc<Connection>> = None;
    let mut route = Route { runtime: runtime::Handle::current().id(), hops: Vec::new() };
    for hop in hops {
        route.hops.push(hop.identity());
        via = Some(connection(&route, hop, via).await?);
    }
    Ok(via)
}

async fn connection(route: &Route, hop: &Target, via: Option<Arc<Connection>>) -> Opened {
    let opening = match found(route, hop, via) {
        Found::Open(connection) => {
            // What is on record may have changed since.
            connection.accepted_for(hop).await?;
            return Ok(connection);
        }
        Found::Opening(opening) => opening,
    };
    let connection = opening.await?;
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places.entry(route.clone()).or_default().open = Arc::downgrade(&connection);
    Ok(connection)
}

enum Found {
    Open(Arc<Connection>),
    Opening(Opening),
}

fn found(route: &Route, hop: &Target, via: Option<Arc<Connection>>) -> Found {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(|_, place| place.open().is_some() || place.opening().is_some());
    let place = places.entry(route.clone()).or_default();
    if let Some(connection) = place.open() {
        return Found::Open(connection);
    }
    if let Some(opening) = place.opening() {
        return Found::Opening(opening);
    }
    let hop = hop.clone();
    let opening = async move { open_one(&hop, via, None).await.map(Arc::new) }.boxed().shared();
    place.opening = opening.downgrade();
    Found::Opening(opening)
}

impl Place {
    fn open(&self) -> Option<Arc<Connection>> {
        self.open.upgrade().filter(|connection| !connection.handle.is_closed())
    }

    /// An attempt that is not over yet.
    fn opening(&self) -> Option<Opening> {
        self.opening.as_ref()?.upgrade().filter(|opening| opening.peek().is_none())
    }
}
