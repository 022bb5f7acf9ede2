//! HTTP/1.1, as much of it as a JSON-RPC client needs: one request, one bounded answer.

use memchr::memmem;

/// Longest body of an answer, bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// Longest head of an answer, bytes; heads of 1xx answers before it count too.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Seconds of `Retry-After`; a date is not read.
    pub(super) retry_after_s: Option<u64>,
    /// The header `x-bundle-id`.
    pub(super) bundle_id: Option<String>,
    pub(super) body: Vec<u8>,
    /// The connection can carry another request.
    pub(super) is_reusable: bool,
}

/// Why bytes are no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseFault {
    /// More than [`MAX_BODY`], or a head of more than 16 KiB.
    TooLarge,
    /// Not HTTP/1.1.
    Bad(&'static str),
    /// It ended in the middle.
    CutShort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    /// Where the next chunk begins, in the buffer.
    Chunked(usize),
    UntilEnd,
}

#[derive(Debug)]
struct Head {
    response: Response,
    body: Body,
}

/// Collects the bytes of one answer.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    buffer: Vec<u8>,
    head: Option<Head>,
    /// Bytes of heads that are done with.
    head_bytes: usize,
}

impl ResponseReader {
    /// Makes it ready for the next answer.
    pub(super) fn reset(&mut self) {
        self.buffer.clear();
        self.head = None;
        self.head_bytes = 0;
    }

    /// Takes bytes; returns the answer once it is whole.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Option<Response>, ResponseFault> {
        self.buffer.extend_from_slice(bytes);
        self.advance()
    }

    /// Says that no more bytes come.
    pub(super) fn end(&mut self) -> Result<Response, ResponseFault> {
        match self.head.take() {
            Some(Head { mut response, body: Body::UntilEnd }) => {
                response.body = std::mem::take(&mut self.buffer);
                Ok(response)
            }
            _ => Err(ResponseFault::CutShort),
        }
    }

    fn advance(&mut self) -> Result<Option<Response>, ResponseFault> {
        while self.head.is_none() {
            let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else {
                let is_long = self.head_bytes + self.buffer.len() > MAX_HEAD;
                return if is_long { Err(ResponseFault::TooLarge) } else { Ok(None) };
            };
            self.head_bytes += end + 4;
            if self.head_bytes > MAX_HEAD {
                return Err(ResponseFault::TooLarge);
            }
            let head = parse_head(&self.buffer[..end + 4])?;
            self.buffer.drain(..end + 4);
            if head.response.status == 101 {
                return Err(ResponseFault::Bad("a switch of protocols"));
            }
            if head.response.status >= 200 {
                self.head = Some(head);
            }
        }
        let Some(Head { response, body }) = &mut self.head else { return Ok(None) };
        let taken = match body {
            Body::Length(length) => (self.buffer.len() >= *length).then_some(*length),
            Body::Chunked(at) => dechunk(&mut self.buffer, at)?,
            Body::UntilEnd if self.buffer.len() > MAX_BODY => return Err(ResponseFault::TooLarge),
            Body::UntilEnd => None,
        };
        let Some(length) = taken else { return Ok(None) };
        let chunk_end = match body {
            Body::Chunked(at) => *at,
            _ => length,
        };
        // Bytes after the answer are none that was asked for.
        response.is_reusable &= self.buffer.len() == chunk_end;
        response.body = self.buffer[..length].to_vec();
        Ok(self.head.take().map(|head| head.response))
    }
}

/// Moves the data of whole chunks together at the front of `buffer[..at]`'s place; returns the
/// body's length once the last chunk is there, with `at` behind it.
fn dechunk(buffer: &mut Vec<u8>, at: &mut usize) -> Result<Option<usize>, ResponseFault> {
    const BAD: ResponseFault = ResponseFault::Bad("chunks that are none");
    loop {
        let rest = &buffer[*at..];
        let (skip, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            // A size line is short; extensions are not for us.
            Ok(httparse::Status::Partial) if rest.len() > 256 => return Err(BAD),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(BAD),
        };
        let size = usize::try_from(size).map_err(|_| ResponseFault::TooLarge)?;
        if size > MAX_BODY || *at + size > MAX_BODY {
            return Err(ResponseFault::TooLarge);
        }
        if size == 0 {
            // No trailers: then the answer ends with an empty line.
            let tail = &rest[skip..];
            if tail.starts_with(b"\r\n") {
                let length = *at;
                buffer.drain(length..length + skip + 2);
                return Ok(Some(length));
            }
            return if b"\r\n".starts_with(tail) { Ok(None) } else { Err(ResponseFault::Bad("a trailer")) };
        }
        let Some(data_and_end) = rest.get(skip..skip + size + 2) else { return Ok(None) };
        if !data_and_end.ends_with(b"\r\n") {
            return Err(BAD);
        }
        let end = *at + skip + size;
        buffer.drain(end..end + 2);
        buffer.drain(*at..*at + skip);
        *at += size;
    }
}

fn parse_head(bytes: &[u8]) -> Result<Head, ResponseFault> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(ResponseFault::Bad("a head cut short")),
        Err(_) => return Err(ResponseFault::Bad("no head of HTTP/1.1")),
    }
    let status = parsed.code.unwrap_or(0);
    let mut is_reusable = parsed.version == Some(1);
    let mut length: Option<usize> = None;
    let mut is_chunked = false;
    let mut retry_after_s = None;
    let mut bundle_id = None;
    for header in parsed.headers.iter() {
        let value = header.value.trim_ascii();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let found = str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let found = found.and_then(|text| text.parse().ok());
            let found = found.ok_or(ResponseFault::Bad("a content-length that is none"))?;
            if length.is_some_and(|before| before != found) {
                return Err(ResponseFault::Bad("two content-lengths"));
            }
            length = Some(found);
        } else if is("transfer-encoding") {
            if is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(ResponseFault::Bad("a transfer-encoding other than chunked"));
            }
            is_chunked = true;
        } else if is("connection") {
            is_reusable &=
                !value.split(|&b| b == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
        } else if is("retry-after") {
            retry_after_s = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        } else if is("x-bundle-id") {
            bundle_id = printable(value);
        } else if is("content-encoding") && !value.eq_ignore_ascii_case(b"identity") {
            return Err(ResponseFault::Bad("a content-encoding that nobody asked for"));
        }
    }
    let body = match (length, is_chunked) {
        (Some(_), true) => return Err(ResponseFault::Bad("both content-length and chunks")),
        (None, true) => Body::Chunked(0),
        _ if matches!(status, 204 | 304) => Body::Length(0),
        (Some(length), false) if length > MAX_BODY => return Err(ResponseFault::TooLarge),
        (Some(length), false) => Body::Length(length),
        (None, false) => Body::UntilEnd,
    };
    is_reusable &= body != Body::UntilEnd;
    let response = Response { status, retry_after_s, bundle_id, body: Vec::new(), is_reusable };
    Ok(Head { response, body })
}

/// Returns a short text of visible ASCII characters.
pub(super) fn printable(value: &[u8]) -> Option<String> {
    let is_fine = !value.is_empty() && value.len() <= 128 && value.iter().all(u8::is_ascii_graphic);
    is_fine.then(|| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an answer that comes in pieces of every size.
    fn read(text: &str) -> Result<Option<Response>, ResponseFault> {
        let mut all = (1..=text.len()).map(|size| {
            let mut reader = ResponseReader::default();
            for piece in text.as_bytes().chunks(size) {
                match reader.push(piece) {
                    Ok(None) => {}
                    found => return found,
                }
            }
            Ok(None)
        });
        let first = all.next().expect("a text");
        for other in all {
            // What follows an answer is seen only if it comes along with it.
            let blur = |found: &Result<Option<Response>, ResponseFault>| {
                found.clone().map(|found| found.map(|found| Response { is_reusable: true, ..found }))
            };
            assert_eq!(blur(&other), blur(&first), "{text}");
        }
        first
    }

    fn body_of(text: &str) -> String {
        let response = read(text).expect("HTTP").expect("whole");
        String::from_utf8(response.body).expect("text")
    }

    #[test]
    fn bodies_of_every_kind() {
        assert_eq!(body_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), "abc");
        assert_eq!(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:1\r\n\r\na"), "a");
        let chunked =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        assert_eq!(body_of(chunked), "abcde");
        assert_eq!(body_of("HTTP/1.1 204 No Content\r\n\r\n"), "");
        let mut reader = ResponseReader::default();
        assert_eq!(reader.push(b"HTTP/1.1 200 OK\r\n\r\nab"), Ok(None));
        let response = reader.end().expect("an answer");
        assert_eq!((response.body.as_slice(), response.is_reusable), (&b"ab"[..], false));
    }

    #[test]
    fn a_connection_is_reused_only_when_that_is_safe() {
        let is_reusable = |text: &str| {
            let mut reader = ResponseReader::default();
            reader.push(text.as_bytes()).expect("HTTP").expect("whole").is_reusable
        };
        assert!(is_reusable("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
        assert!(!is_reusable("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"));
        assert!(!is_reusable("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\na"));
        assert!(!is_reusable("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"));
        assert!(is_reusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"));
        assert!(!is_reusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nx"));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert!(matches!(read(text), Err(ResponseFault::Bad(_))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_grow(
            is_headed: bool,
            is_chunked: bool,
            pieces in proptest::collection::vec("[0-9a-fx;\\r\\n ]{0,40}|(3\\r\\nabc\\r\\n){1,3}|0\\r\\n\\r\\n", 0..40),
        ) {
            let mut reader = ResponseReader::default();
            let head = if is_chunked { "transfer-encoding: chunked" } else { "content-length: 7" };
            let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
            let head = if is_headed { head } else { String::new() };
            for piece in std::iter::once(head).chain(pieces) {
                if !matches!(reader.push(piece.as_bytes()), Ok(None)) {
                    break;
                }
                proptest::prop_assert!(reader.buffer.len() <= MAX_BODY + MAX_HEAD);
            }
            let _ = reader.end();
        }
    }

    #[test]
    fn size_is_bounded() {
        let mut reader = ResponseReader::default();
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n";
        assert_eq!(reader.push(long.as_bytes()), Err(ResponseFault::TooLarge));
        let mut reader = ResponseReader::default();
        assert_eq!(reader.push(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(None));
        assert_eq!(reader.push(&vec![b'a'; MAX_BODY]), Ok(None));
        assert_eq!(reader.push(b"a"), Err(ResponseFault::TooLarge));
        let mut reader = ResponseReader::default();
        assert_eq!(reader.push(&vec![b'a'; MAX_HEAD + 1]), Err(ResponseFault::TooLarge));
        let mut reader = ResponseReader::default();
        let chunk = format!("{:x}\r\n{}\r\n", 30_000, "a".repeat(30_000));
        assert_eq!(reader.push(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Ok(None));
        assert_eq!(reader.push(chunk.as_bytes()), Ok(None));
        assert_eq!(reader.push(chunk.as_bytes()), Ok(None));
        assert_eq!(reader.push(chunk.as_bytes()), Err(ResponseFault::TooLarge));
        // 1xx answers without end
        let mut reader = ResponseReader::default();
        let endless = (0..10_000).find_map(|_| reader.push(b"HTTP/1.1 100 Continue\r\n\r\n").err());
        assert_eq!(endless, Some(ResponseFault::TooLarge));
    }
}
