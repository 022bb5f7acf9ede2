//! One HTTP/1.1 connection that never blocks and belongs to no reactor: whoever holds it drives it.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::ClientConnection;

use super::http1::{Response, ResponseFault, ResponseReader};

/// A connection with its TLS session, if any.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What the socket would not take yet.
    unsent: Vec<u8>,
    reader: ResponseReader,
    /// When it was last used.
    pub(super) idle_since: Instant,
    /// Requests it has carried.
    pub(super) requests: u64,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum WireFault {
    /// The connection failed.
    Lost(io::Error),
    /// What came is no answer.
    Response(ResponseFault),
}

impl From<io::Error> for WireFault {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<ResponseFault> for WireFault {
    fn from(fault: ResponseFault) -> Self {
        Self::Response(fault)
    }
}

/// A request could not be begun.
pub(super) enum StartFault {
    /// None of its bytes has left: another connection may be tried.
    NothingSent,
    /// Some may have left.
    Lost(io::Error),
}

impl Wire {
    /// Takes a connected, non-blocking socket, and its session after the handshake.
    pub(super) fn new(stream: TcpStream, tls: Option<ClientConnection>) -> Self {
        Self {
            stream,
            tls: tls.map(Box::new),
            unsent: Vec::new(),
            reader: ResponseReader::default(),
            idle_since: Instant::now(),
            requests: 0,
        }
    }

    /// Returns whether an idle connection still stands, as far as this machine knows, and owes nothing.
    pub(super) fn is_alive(&mut self) -> bool {
        let mut byte = [0];
        let is_silent = match self.stream.peek(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(_) | Ok(0) => return false,
            Ok(_) => false,
        };
        // Session tickets come unasked; an answer that nobody asked for is a farewell, or not for us.
        let Some(tls) = &mut self.tls else { return is_silent };
        loop {
            match tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            }
            if is_silent {
                return true;
            }
            match tls.read_tls(&mut self.stream) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Begins a request: writes what the socket takes.
    pub(super) fn start(&mut self, head: &[u8], body: &[u8]) -> Result<(), StartFault> {
        self.reader.reset();
        self.requests += 1;
        if let Some(tls) = &mut self.tls {
            // A session buffers without bound here; requests are short.
            tls.set_buffer_limit(None);
            let mut writer = tls.writer();
            if writer.write_all(head).and_then(|()| writer.write_all(body)).is_err() {
                return Err(StartFault::NothingSent);
            }
            let mut is_begun = false;
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(_) => is_begun = true,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if is_begun => return Err(StartFault::Lost(error)),
                    Err(_) => return Err(StartFault::NothingSent),
                }
            }
            return Ok(());
        }
        let written = loop {
            match self.stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(written) => break written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(StartFault::NothingSent),
            }
        };
        if written < head.len() + body.len() {
            self.unsent.extend_from_slice(&head[written.min(head.len())..]);
            self.unsent.extend_from_slice(&body[written.saturating_sub(head.len())..]);
            self.flush().map_err(StartFault::Lost)?;
        }
        Ok(())
    }

    /// Returns whether part of the request is still to be written.
    pub(super) fn wants_write(&self) -> bool {
        !self.unsent.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes and reads what can be without waiting; returns the answer once it is whole.
    pub(super) fn step(&mut self) -> Result<Option<Response>, WireFault> {
        if self.wants_write() {
            self.flush()?;
        }
        let mut buffer = [0; 8192];
        loop {
            let read = match &mut self.tls {
                None => match self.stream.read(&mut buffer) {
                    Ok(0) => return Ok(Some(self.reader.end()?)),
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error.into()),
                },
                Some(tls) => match tls.reader().read(&mut buffer) {
                    // Said in TLS that it ends: an answer without length is whole.
                    Ok(0) => return Ok(Some(self.reader.end()?)),
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        match tls.read_tls(&mut self.stream) {
                            Ok(_) => {}
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                            Err(error) => return Err(error.into()),
                        }
                        tls.process_new_packets().map_err(io::Error::other)?;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            if let Some(response) = self.reader.push(&buffer[..read])? {
                self.idle_since = Instant::now();
                return Ok(Some(response));
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(());
        }
        let mut at = 0;
        while at < self.unsent.len() {
            match self.stream.write(&self.unsent[at..]) {
                Ok(written) => at += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..at);
        Ok(())
    }
}
