//! Where to send to: addresses, limits, and what of them may be shown.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::SubmitError;

/// The `/api/v1` calls of a block engine, and the one entrance of an RPC endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// What the target is for: a bundle or a transaction.
    Submit,
    /// `getBundleStatuses`.
    BundleStatuses,
    /// `getInflightBundleStatuses`.
    InflightBundleStatuses,
    /// `getTipAccounts`.
    TipAccounts,
    /// JSON-RPC of a node.
    Rpc,
}

/// What a target takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// `sendBundle` of a block engine: 1 to 5 transactions, all or nothing.
    JitoBundle,
    /// `sendTransaction` of a block engine: one transaction.
    JitoTransaction,
    /// `sendTransaction` of an RPC node: one transaction.
    Rpc,
}

impl TargetKind {
    /// Returns the kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::JitoBundle, Self::JitoTransaction, Self::Rpc].into_iter().find(|kind| kind.name() == name)
    }

    /// Returns `jito_bundle`, `jito_transaction` or `rpc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JitoBundle => "jito_bundle",
            Self::JitoTransaction => "jito_transaction",
            Self::Rpc => "rpc",
        }
    }

    /// Returns whether it is a block engine.
    #[must_use]
    pub fn is_jito(self) -> bool {
        self != Self::Rpc
    }
}

/// What a target is made from. Units in the names; see [`Target::new`].
#[derive(Clone)]
pub struct TargetOptions {
    /// Stands for it in answers and messages.
    pub name: String,
    /// `https://host[:port][/path][?query]`; may hold a key.
    pub url: String,
    /// What it takes.
    pub kind: TargetKind,
    /// Sent as `x-jito-auth`; block engines only. Secret.
    pub auth: Option<String>,
    /// Requests a second; `None`: 1 for a block engine, no limit for a node. Infinity: no limit.
    pub requests_per_second: Option<f64>,
    /// Requests under way at the same time. Default 8.
    pub max_in_flight: usize,
    /// How long one request may take, opening a connection included. Default 2 s.
    pub timeout: Duration,
    /// `sendTransaction` of a block engine as a bundle of one, which costs nothing when it fails.
    pub bundle_only: bool,
    /// Offer HTTP/2 in the TLS handshake. Default true.
    pub http2: bool,
    /// Allow `http://` to other hosts than this machine.
    pub allow_plain_http: bool,
}

impl TargetOptions {
    /// Returns the defaults for a target of that name, address and kind.
    #[must_use]
    pub fn new(name: &str, url: &str, kind: TargetKind) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            kind,
            auth: None,
            requests_per_second: None,
            max_in_flight: 8,
            timeout: Duration::from_secs(2),
            bundle_only: false,
            http2: true,
            allow_plain_http: false,
        }
    }
}

/// One region of a block engine, or one RPC endpoint. Its `Debug` form shows no secret.
#[derive(Clone)]
pub struct Target {
    pub(super) name: String,
    pub(super) kind: TargetKind,
    pub(super) is_tls: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As in the header: with port unless it is the scheme's own.
    pub(super) authority: String,
    path: String,
    query: String,
    pub(super) auth: Option<String>,
    pub(super) requests_per_second: f64,
    pub(super) max_in_flight: usize,
    pub(super) timeout: Duration,
    bundle_only: bool,
    pub(super) http2: bool,
}

/// Parts of a path that are shown; any other may be a key.
const PUBLIC_PARTS: [&str; 15] = [
    "api",
    "bundles",
    "devnet",
    "fast",
    "http",
    "mainnet",
    "mainnet-beta",
    "rpc",
    "solana",
    "testnet",
    "transactions",
    "v1",
    "v2",
    "ws",
    "wss",
];
/// Names in a query that are shown, without their value; any other may be a key itself.
const PUBLIC_NAMES: [&str; 8] =
    ["access-token", "access_token", "api-key", "api_key", "apikey", "key", "token", "uuid"];
const MASK: &str = "***";
/// A shorter text is no key, and replacing it would make foreign text unreadable.
const MIN_SECRET: usize = 4;

impl Target {
    /// Returns the target, checked: no text of it can break out of a request line or header.
    ///
    /// # Errors
    /// [`SubmitError::BadTarget`]; the message repeats neither URL nor secret.
    pub fn new(options: TargetOptions) -> Result<Self, SubmitError> {
        let TargetOptions { name, url, kind, auth, .. } = options;
        if name.is_empty()
            || name.len() > 64
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        {
            return Err(SubmitError::BadTarget {
                name: "?".to_owned(),
                problem: "a name is 1 to 64 letters, digits or any of -_./",
            });
        }
        let refuse = |problem| SubmitError::BadTarget { name: name.clone(), problem };
        if url.len() > 2048 || !url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
            return Err(refuse("the URL is too long or holds a character that no URL has"));
        }
        let (is_tls, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(refuse("a URL begins with https:// or http://"));
        };
        if url.contains('#') {
            return Err(refuse("the URL has a part after #, which is never sent"));
        }
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(split);
        if authority.contains('@') {
            return Err(refuse("the URL names a user; put a key into its query, or into auth"));
        }
        let (host, port) = host_and_port(authority, if is_tls { 443 } else { 80 })
            .ok_or_else(|| refuse("the URL has an impossible host or port"))?;
        if !is_tls && !options.allow_plain_http && !is_loopback(&host) {
            return Err(refuse("http:// goes to this machine only; use https://"));
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        if auth.is_some() && !kind.is_jito() {
            return Err(refuse("auth is the header x-jito-auth; an RPC endpoint has its key in the URL"));
        }
        if let Some(auth) = &auth
            && (auth.is_empty() || auth.len() > 256 || !auth.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(refuse("auth is 1 to 256 visible ASCII characters"));
        }
        let default_rate = if kind.is_jito() { 1.0 } else { f64::INFINITY };
        let requests_per_second = options.requests_per_second.unwrap_or(default_rate);
        if requests_per_second.is_nan() || requests_per_second < 0.001 {
            return Err(refuse("requests_per_second may be 0.001 or more"));
        }
        if !(1..=256).contains(&options.max_in_flight) {
            return Err(refuse("max_in_flight may be 1 to 256"));
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(120)).contains(&options.timeout) {
            return Err(refuse("timeout_ms may be 1 to 120,000"));
        }
        if options.bundle_only && kind != TargetKind::JitoTransaction {
            return Err(refuse("bundle_only belongs to kind jito_transaction"));
        }
        Ok(Self {
            kind,
            is_tls,
            host,
            port,
            authority: authority.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            auth,
            requests_per_second,
            max_in_flight: options.max_in_flight,
            timeout: options.timeout,
            bundle_only: options.bundle_only,
            http2: options.http2,
            name,
        })
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it takes.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// Returns the URL with everything masked that may be a key.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let path: Vec<&str> = self
            .path
            .split('/')
            .map(|part| if part.is_empty() || PUBLIC_PARTS.contains(&part) { part } else { MASK })
            .collect();
        let query: Vec<String> = self.query.split('&').filter(|pair| !pair.is_empty()).map(masked).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{}{}{mark}{}", self.authority, path.join("/"), query.join("&"))
    }

    /// Returns foreign text fit for a message: one line, bounded, without this target's secrets.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut found: Vec<&str> = self
            .path
            .split('/')
            .filter(|part| !PUBLIC_PARTS.contains(part))
            .chain(self.auth.as_deref())
            .collect();
        for pair in self.query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            found.push(value);
            if !PUBLIC_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
                found.push(name);
            }
        }
        // Whoever repeats a URL may have read it first.
        let mut secrets: Vec<Cow<'_, str>> = found.iter().map(|&secret| Cow::Borrowed(secret)).collect();
        for secret in found.into_iter().filter(|secret| secret.contains(['%', '+'])) {
            secrets.push(Cow::Owned(percent_decoded(secret)));
            secrets.push(Cow::Owned(percent_decoded(&secret.replace('+', " "))));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets.into_iter().filter(|secret| secret.len() >= MIN_SECRET) {
            if text.contains(&*secret) {
                text = text.replace(&*secret, MASK);
            }
        }
        text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// Returns path and query of a call, secret.
    pub(super) fn path_of(&self, route: Route) -> String {
        let base = self.path.trim_end_matches('/');
        let call = match (route, self.kind) {
            (Route::Rpc, _) | (Route::Submit, TargetKind::Rpc) => "",
            (Route::Submit, TargetKind::JitoBundle) => "bundles",
            (Route::Submit, TargetKind::JitoTransaction) => "transactions",
            (Route::BundleStatuses, _) => "getBundleStatuses",
            (Route::InflightBundleStatuses, _) => "getInflightBundleStatuses",
            (Route::TipAccounts, _) => "getTipAccounts",
        };
        let mut path = if call.is_empty() {
            if self.path.is_empty() { "/".to_owned() } else { self.path.clone() }
        } else if base.ends_with("/api/v1") {
            format!("{base}/{call}")
        } else {
            format!("{base}/api/v1/{call}")
        };
        let bundle_only = route == Route::Submit && self.bundle_only;
        let mut mark = '?';
        for part in [self.query.as_str(), if bundle_only { "bundleOnly=true" } else { "" }] {
            if !part.is_empty() {
                path.push(mark);
                path.push_str(part);
                mark = '&';
            }
        }
        path
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({:?}, {:?}, kind={:?})", self.name, self.shown_url(), self.kind.name())
    }
}

/// Returns the text that a part of a URL stands for; an escape that is none stays as it is.
fn percent_decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = if bytes[at] == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        let value = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn masked(pair: &str) -> String {
    let Some((name, _)) = pair.split_once('=') else { return MASK.to_owned() };
    let is_public = PUBLIC_NAMES.contains(&name.to_ascii_lowercase().as_str());
    format!("{}={MASK}", if is_public { name } else { MASK })
}

fn host_and_port(authority: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, rest.strip_prefix(':').or(if rest.is_empty() { Some("") } else { None })?)
    } else {
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            return None;
        }
        (host, port)
    };
    if host.is_empty() || host.len() > 253 || (authority.ends_with(':')) {
        return None;
    }
    let port = if port.is_empty() { default } else { port.parse().ok()? };
    (port != 0).then(|| (host.to_owned(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(url: &str, kind: TargetKind) -> Result<Target, SubmitError> {
        Target::new(TargetOptions::new("a", url, kind))
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut options = TargetOptions::new(
            "ny",
            "https://ny.example/secret-key/?uuid=0123-4567&x=1",
            TargetKind::JitoBundle,
        );
        options.auth = Some("auth-0123".to_owned());
        let target = Target::new(options).expect("a target");
        assert_eq!(target.shown_url(), "https://ny.example/***/?uuid=***&***=***");
        assert!(!format!("{target:?}").contains("0123"));
        assert_eq!(
            target.scrub("bad uuid 0123-4567 and auth-0123 at secret-key\r\nx"),
            "bad uuid *** and *** at ***  x"
        );
        let escaped =
            made("https://ny.example/?api-key=ab%2Bcd%3d%3Def+gh%", TargetKind::Rpc).expect("a target");
        for told in ["ab%2Bcd%3d%3Def+gh%", "ab+cd==ef+gh%", "ab+cd==ef gh%"] {
            assert_eq!(escaped.scrub(&format!("no key {told}.")), "no key ***.");
        }
    }

    #[test]
    fn paths_follow_kind_and_base() {
        let bundle = made("https://a.example", TargetKind::JitoBundle).expect("a target");
        assert_eq!(bundle.path_of(Route::Submit), "/api/v1/bundles");
        assert_eq!(bundle.path_of(Route::TipAccounts), "/api/v1/getTipAccounts");
        let mut options =
            TargetOptions::new("a", "https://a.example/api/v1?uuid=7", TargetKind::JitoTransaction);
        options.bundle_only = true;
        let single = Target::new(options).expect("a target");
        assert_eq!(single.path_of(Route::Submit), "/api/v1/transactions?uuid=7&bundleOnly=true");
        let rpc = made("https://a.example/?api-key=7", TargetKind::Rpc).expect("a target");
        assert_eq!(rpc.path_of(Route::Submit), "/?api-key=7");
    }

    #[test]
    fn what_could_break_out_of_a_request_is_refused() {
        for url in [
            "https://a.example/\r\nx: y",
            "https://a b",
            "ftp://a",
            "https://",
            "https://a:0",
            "https://a:99999",
            "https://a:",
            "https://u:p@a",
            "https://a#b",
            "http://a.example",
            "http://10.0.0.1",
            "https://[::1",
            "https://\u{e4}.example",
        ] {
            assert!(made(url, TargetKind::Rpc).is_err(), "{url}");
        }
        for url in ["http://127.0.0.1:80", "http://localhost:1/x", "http://[::1]:9", "https://a.example:8"] {
            assert!(made(url, TargetKind::Rpc).is_ok(), "{url}");
        }
        let mut options = TargetOptions::new("a", "https://a", TargetKind::JitoBundle);
        options.auth = Some("x\r\ny: z".to_owned());
        assert!(Target::new(options).is_err());
    }
}
