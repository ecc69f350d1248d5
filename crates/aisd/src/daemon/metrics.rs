//! The node's numbers in the text format of Prometheus, over HTTP, where the configuration says so.

use super::failure::Failure;
use ais_node::NodeHandle;
use ais_service::{Figure, FigureKind};
use ais_transport::net::NetNode;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};
use std::{convert::Infallible, fmt, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep_until},
};

/// Watchers at a time; more wait.
const WATCHERS: usize = 16;

/// How long a watcher may take to say what it wants.
const MANNERS: Duration = Duration::from_secs(5);

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens for watchers, so that a wrong address is known before the node starts.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::Metrics { address, error })
}

/// Answers watchers until it is dropped.
pub(super) async fn serve(listener: TcpListener, node: NodeHandle, net: Option<NetNode>) {
    let seats = Arc::new(Semaphore::new(WATCHERS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (node, net) = (node.clone(), net.clone());
                tokio::spawn(async move {
                    let _seat = seat;
                    answer(stream, node, net).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept watchers for a moment");
                // Most often there are no descriptors left; that does not end by asking.
                sleep_until(Instant::now() + Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, node: NodeHandle, net: Option<NetNode>) {
    let service = service_fn(move |request| respond(request, node.clone(), net.clone()));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MANNERS).max_buf_size(16 << 10);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a watcher broke off");
    }
}

async fn respond(
    request: Request<Incoming>,
    node: NodeHandle,
    net: Option<NetNode>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = (request.method() == Method::GET, request.uri().path() == "/metrics");
    let (status, body) = match asked {
        (true, true) => match node.inspect(ais_node::Core::figures).await {
            Some(mut figures) => {
                figures.extend(net.iter().flat_map(carried));
                (StatusCode::OK, render(figures))
            }
            None => (StatusCode::SERVICE_UNAVAILABLE, "the node has stopped\n".to_owned()),
        },
        (_, false) => (StatusCode::NOT_FOUND, "ask for /metrics\n".to_owned()),
        (false, true) => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(TEXT));
    Ok(response)
}

/// What went between this node and its peers.
fn carried(net: &NetNode) -> Vec<Figure> {
    let each = net.stats().each().into_iter();
    each.map(|(name, help, value)| Figure::counter(name, help, value)).collect()
}

fn render(figures: Vec<Figure>) -> String {
    let mut registry = Registry::with_prefix("ais");
    registry.register_collector(Box::new(Figures(figures)));
    let mut rendered = String::new();
    // Writing to a string cannot fail.
    let _ = text::encode(&mut rendered, &registry);
    rendered
}

#[derive(Debug)]
struct Figures(Vec<Figure>);

impl Collector for Figures {
    /// Figures of one name stand together, whatever the order in which they were collected.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut names: Vec<&Figure> = self.0.iter().collect();
        names.sort_by_key(|it| it.name);
        for same in names.chunk_by(|one, other| one.name == other.name) {
            let Some(first) = same.first() else { continue };
            let kind = match first.kind {
                FigureKind::Counter => MetricType::Counter,
                FigureKind::Gauge => MetricType::Gauge,
            };
            let mut all = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            for figure in same {
                let mut one = all.encode_family(&figure.labels)?;
                match figure.kind {
                    FigureKind::Counter => {
                        one.encode_counter::<NoLabelSet, _, u64>(&figure.value, None)?;
                    }
                    FigureKind::Gauge => one.encode_gauge(&figure.value)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_by_name_kind_and_label() {
        let text = render(vec![
            Figure::counter("writes", "Writes.", 7).of("node", "n1"),
            Figure::gauge("replicas", "Replicas.", 3),
            Figure::counter("writes", "Writes.", 8).of("node", "n2"),
        ]);
        let expected = "# HELP ais_replicas Replicas.\n\
            # TYPE ais_replicas gauge\n\
            ais_replicas 3\n\
            # HELP ais_writes Writes.\n\
            # TYPE ais_writes counter\n\
            ais_writes_total{node=\"n1\"} 7\n\
            ais_writes_total{node=\"n2\"} 8\n\
            # EOF\n";
        assert_eq!(text, expected);
    }
}
