//! Accepts connections, and lets requests finish when the gateway stops.
use std::{future::Future, io, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{Gateway, connection::Connection, http};

/// A client has so long to send the head of a request, and between two requests.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of a head.
const MAX_HEAD: usize = 16 << 10;
/// How long requests may take to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves HTTP/1.1 on `listener` until `shutdown`, then lets requests end.
///
/// HTTP/2 is left to the proxy that adds TLS: without it one connection is one request, so the limit on connections is one on everything.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(gateway.config.limits.connections));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    let service = TowerToHyperService::new(http::router(Arc::clone(&gateway)));
    let collector = collector(Arc::clone(&gateway));
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others must close before one more can be opened.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let stream = TokioIo::new(Connection::new(stream, gateway.config.limits.stall));
        let connection = graceful.watch(builder.serve_connection(stream, service.clone()).into_owned());
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let (_place, _counted) = (place, gateway.metrics.connection());
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    if let Some(collector) = collector {
        collector.abort();
    }
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off");
    }
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// Collects again and again, if it is configured to.
fn collector(gateway: Arc<Gateway>) -> Option<JoinHandle<()>> {
    let every = gateway.config.collect.every;
    (!every.is_zero()).then(|| {
        tokio::spawn(async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                match gateway.collect(std::time::SystemTime::now(), false).await {
                    Ok(report) if report == crate::Report::default() => {}
                    Ok(report) => tracing::info!(?report, "collected"),
                    Err(error) => tracing::warn!(error = format!("{error:#}"), "cannot collect"),
                }
            }
        })
    })
}
