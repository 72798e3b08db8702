//! The Code42 REST API of a simulated authority, over HTTP or HTTPS.
//!
//! Answers have exactly the fields of the recorded ones (`tests/fixtures`). Where the record has nothing, the
//! module of that resource says what was filled in. Resource names are matched in any case, `/api/` and
//! `/api/v1/` are one (FACTS.md, api-base), and the time in every answer is the world's. While the authority
//! is down its connections are cut: the port stays bound, so that a client sees them closed rather than
//! refused.

mod account;
mod answer;
mod authority;
mod call;
mod destinations;
mod devices;
mod disturbance;
mod organisations;
mod server_env;
mod server_settings;
mod servers;
#[cfg(test)]
mod tests;
mod tokens;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::answer::Answer;
pub use self::authority::Account;
use self::authority::Authority;
use self::call::Call;
use self::tokens::Tokens;
use super::simulation::Simulation;
use super::tls::Identity;
use super::wire::{Scissors, Wires};
use crate::simulator::fault::Fault;
use crate::simulator::world::World;

/// A face of the simulator that is being served. It ends when this is dropped.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Serving {
    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn start<R>(wires: Wires, router: R) -> io::Result<Self>
    where
        R: FnOnce() -> Router,
    {
        let address = axum::serve::Listener::local_addr(&wires)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router().into_make_service_with_connect_info::<Scissors>();
        tokio::spawn(async move {
            let stopped = async {
                // An error means that the sender was dropped, which is how it is told to stop.
                let _ = stopped.await;
            };
            let _ = axum::serve(wires, service).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { address, _stop: stop })
    }
}

/// Serves the API of a simulation's authority on a listener: over HTTPS with an identity, over HTTP without. Needs a tokio
/// runtime.
pub fn serve(
    simulation: Simulation,
    account: Account,
    listener: TcpListener,
    identity: Option<&Identity>,
) -> io::Result<Serving> {
    let open = {
        let simulation = simulation.clone();
        move || simulation.at_present(|world| world.authority_answers())
    };
    let wires = Wires::new(listener, identity.map(Identity::acceptor), open)?;
    let authority = Arc::new(Authority { simulation, account, tokens: Tokens::default() });
    Serving::start(wires, || Router::new().fallback(handle).with_state(authority))
}

async fn handle(
    State(authority): State<Arc<Authority>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(unreadable) => {
            return authority
                .simulation
                .at_present(|world| Answer::unreadable(unreadable).into_response(world, None));
        }
    };
    let outcome = authority.simulation.at_present(|world| {
        if !world.authority_answers() {
            return Outcome::Cut;
        }
        let fault = world.faults().of(&call.resource).cloned();
        match fault {
            Some(Fault::RefuseConnection) => Outcome::Cut,
            Some(Fault::TimeOut) => Outcome::Silence,
            fault => {
                let answer = match &fault {
                    Some(fault) => Answer::instead(fault).unwrap_or_else(|| authority.answer(world, &call)),
                    None => authority.answer(world, &call),
                };
                Outcome::Answer(answer.into_response(world, fault.as_ref()))
            }
        }
    });
    match outcome {
        Outcome::Answer(response) => response,
        Outcome::Cut => {
            scissors.cut();
            Response::new(Body::empty())
        }
        Outcome::Silence => std::future::pending().await,
    }
}

enum Outcome {
    Answer(Response),
    Cut,
    Silence,
}

impl Authority {
    /// Answers one call.
    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        if let Some(answer) = account::without_credentials(world, call) {
            return answer;
        }
        let who = match self.authenticate(world, call) {
            Ok(who) => who,
            Err(answer) => return answer,
        };
        match call.resource.as_str() {
            "authtoken" => self.auth_token(world, call, who),
            "logintoken" => self.login_token(world, call),
            "jwt" => self.user_token(world, call, who),
            "user" => account::user(self, call),
            "server" => servers::servers(world, call),
            "serversettings" => server_settings::settings(world, call),
            "storepoint" => destinations::store_points(world, call),
            "destination" => destinations::destinations(world, call),
            "diagnostic" => destinations::diagnostic(world, call),
            "org" => organisations::organisations(world, call),
            "computer" => devices::devices(world, call),
            "deviceupgrade" => devices::flag(world, call),
            "device-upgrade" => devices::flag_by_guid(world, call),
            _ => Answer::not_found(),
        }
    }
}
