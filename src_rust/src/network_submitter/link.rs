//! Opening connections, and requests over HTTP/2. Runs on the submitter's own thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::answer::{Answer, AnswerKind};
use super::http1::{MAX_BODY, Response, ResponseFault, printable};
use super::lane::{Lane, lock};
use super::target::Route;
use super::wire::Wire;

/// How long one of several addresses of a host may take.
const PER_ADDRESS: Duration = Duration::from_millis(1500);
/// Silence after which TCP asks whether the other side is there.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How often an HTTP/2 connection is pinged, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes that a stream may send unasked: more than an answer may have, so that a long one is seen.
const STREAM_WINDOW: u32 = 2 * 64 * 1024;

/// What was opened.
pub(super) enum Link {
    Wire(Wire),
    Http2(SendRequest<Bytes>),
}

/// Opens a connection; an HTTP/2 connection is also put into the pool.
///
/// # Errors
/// The answer that says why there is none.
pub(super) async fn open(lane: &Arc<Lane>) -> Result<Link, Answer> {
    let opened = try_open(lane).await;
    lane.note_opened(opened.is_ok());
    opened
}

async fn try_open(lane: &Arc<Lane>) -> Result<Link, Answer> {
    let failed = |kind: AnswerKind, error: &dyn std::fmt::Display| {
        lane.answer(kind).with_message(lane.target.scrub(&error.to_string()))
    };
    let stream = connect(&lane.target.host, lane.target.port)
        .await
        .map_err(|error| failed(AnswerKind::ConnectFailed, &error))?;
    let Some((config, name)) = &lane.tls else {
        let stream = stream.into_std().map_err(|error| failed(AnswerKind::ConnectFailed, &error))?;
        return Ok(Link::Wire(Wire::new(stream, None)));
    };
    let session = TlsConnector::from(Arc::clone(config))
        .connect(name.clone(), stream)
        .await
        .map_err(|error| failed(AnswerKind::TlsFailed, &error))?;
    if session.get_ref().1.alpn_protocol() == Some(b"h2") {
        return open_http2(lane, session)
            .await
            .map(Link::Http2)
            .map_err(|error| failed(AnswerKind::ConnectFailed, &error));
    }
    let (stream, session) = session.into_inner();
    let stream = stream.into_std().map_err(|error| failed(AnswerKind::ConnectFailed, &error))?;
    Ok(Link::Wire(Wire::new(stream, Some(session))))
}

async fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = match host.parse() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => tokio::net::lookup_host((host, port)).await?.collect(),
    };
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match tokio::time::timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE);
                socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn open_http2(lane: &Arc<Lane>, stream: TlsStream<TcpStream>) -> Result<SendRequest<Bytes>, h2::Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let (sender, mut connection) = h2::client::Builder::new()
        .enable_push(false)
        .max_header_list_size(16 * 1024)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(16 * STREAM_WINDOW)
        .handshake::<_, Bytes>(stream)
        .await?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let pings = connection.ping_pong();
    lock(&lane.pool).http2 = Some((number, sender.clone()));
    let lane = Arc::clone(lane);
    tokio::spawn(async move {
        let pinging = async {
            let Some(mut pings) = pings else { return std::future::pending().await };
            loop {
                tokio::time::sleep(PING_EVERY).await;
                let pong = tokio::time::timeout(PING_TIMEOUT, pings.ping(h2::Ping::opaque()));
                if !matches!(pong.await, Ok(Ok(_))) {
                    return;
                }
            }
        };
        tokio::select! {
            _ = connection => {}
            () = pinging => {}
        }
        let mut pool = lock(&lane.pool);
        if pool.http2.as_ref().is_some_and(|(current, _)| *current == number) {
            pool.http2 = None;
        }
    });
    Ok(sender)
}

/// Why a request over HTTP/2 has no answer.
pub(super) enum Http2Fault {
    /// The server has not looked at it: another connection may be tried.
    NothingSent,
    /// The connection or the stream failed after it was sent.
    Lost(h2::Error),
    /// What came is no answer.
    Response(ResponseFault),
}

/// Sends a request as a stream of its own; `is_sent` is set when it goes out.
pub(super) async fn exchange_http2(
    lane: &Lane,
    sender: SendRequest<Bytes>,
    route: Route,
    body: Bytes,
    is_sent: &AtomicBool,
) -> Result<Response, Http2Fault> {
    let mut sender = sender.ready().await.map_err(|_| Http2Fault::NothingSent)?;
    let uri = format!("https://{}{}", lane.target.authority, lane.target.path_of(route));
    let mut request = http::Request::post(uri)
        .header("content-type", "application/json")
        .header("content-length", body.len());
    if let Some(auth) = &lane.target.auth {
        request = request.header("x-jito-auth", auth);
    }
    let request = request.body(()).map_err(|_| Http2Fault::NothingSent)?;
    let (response, mut stream) = sender.send_request(request, false).map_err(|_| Http2Fault::NothingSent)?;
    is_sent.store(true, Ordering::Relaxed);
    stream.send_data(body, true).map_err(Http2Fault::Lost)?;
    let refused = |error: h2::Error| {
        // The server's promise that it has not looked at the stream.
        if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
            is_sent.store(false, Ordering::Relaxed);
            return Http2Fault::NothingSent;
        }
        Http2Fault::Lost(error)
    };
    let (head, mut stream) = response.await.map_err(refused)?.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| value.as_bytes().trim_ascii());
    if header("content-encoding").is_some_and(|value| !value.eq_ignore_ascii_case(b"identity")) {
        return Err(Http2Fault::Response(ResponseFault::Bad("a content-encoding that nobody asked for")));
    }
    let mut body = BytesMut::new();
    while let Some(data) = stream.data().await {
        let data = data.map_err(Http2Fault::Lost)?;
        if body.len() + data.len() > MAX_BODY {
            return Err(Http2Fault::Response(ResponseFault::TooLarge));
        }
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    Ok(Response {
        status: head.status.as_u16(),
        retry_after_s: header("retry-after").and_then(|v| str::from_utf8(v).ok()?.parse().ok()),
        bundle_id: header("x-bundle-id").and_then(printable),
        body: body.to_vec(),
        is_reusable: true,
    })
}
