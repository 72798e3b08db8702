//! Connections that can be cut in the middle, plain or over TLS, as a server that goes down cuts them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// Connections that wait to be served.
const BACKLOG: usize = 64;

/// The means to cut one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Scissors(Arc<AtomicBool>);

impl Scissors {
    /// Cuts it: nothing more is sent.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut"));
        }
        Ok(())
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    scissors: Scissors,
}

/// Accepts connections; with TLS it shakes hands first, each connection at its own pace.
pub(super) struct Wires {
    address: SocketAddr,
    accepted: mpsc::Receiver<(Wire, SocketAddr)>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Wires {
    /// Accepts on a listener. Connections are closed at once while `open` says no.
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        open: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(BACKLOG);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Out of file descriptors, most likely: others must run before this can end.
                    tokio::task::yield_now().await;
                    continue;
                };
                if sender.is_closed() {
                    return;
                }
                if open() {
                    tokio::spawn(shake_hands(stream, tls.clone(), peer, sender.clone()));
                }
            }
        });
        Ok(Self { address, accepted, accepting })
    }
}

async fn shake_hands(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    peer: SocketAddr,
    sender: mpsc::Sender<(Wire, SocketAddr)>,
) {
    let stream: Box<dyn Stream> = match tls {
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => Box::new(stream),
            // The client does not trust us, or is not one.
            Err(_) => return,
        },
        None => Box::new(stream),
    };
    // It fails only when nobody serves any more.
    let _ = sender.send((Wire { stream, scissors: Scissors::default() }, peer)).await;
}

impl Drop for Wires {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Wires>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().scissors.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
