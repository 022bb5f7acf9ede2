//! Stepping over values: checked like what is read, but not kept.

use super::{Cursor, Kind, MAX_DEPTH, Result};

impl<'a> Cursor<'a> {
    /// Steps over one value of any kind and returns its bytes.
    #[inline]
    pub fn skip(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        match self.kind()? {
            Kind::Object | Kind::Array => self.skip_nested()?,
            _ => self.skip_scalar()?,
        }
        Ok(self.bytes[start..self.at].trim_ascii_end())
    }

    #[inline]
    fn skip_scalar(&mut self) -> Result<()> {
        match self.kind()? {
            Kind::String => self.any_string().map(drop),
            Kind::Number => self.number(),
            Kind::Null => self.word(b"null"),
            Kind::Bool if self.peek() == Some(b't') => self.word(b"true"),
            Kind::Bool => self.word(b"false"),
            Kind::Object | Kind::Array => Err(self.fail()),
        }
    }

    /// Steps over an object or array without recursion: bit `n` of `objects` is level `n`'s kind.
    fn skip_nested(&mut self) -> Result<()> {
        let mut objects = 0_u128;
        let mut depth = 0;
        loop {
            // At the beginning of a value.
            let kind = self.kind()?;
            if matches!(kind, Kind::Object | Kind::Array) {
                let object = kind == Kind::Object;
                if depth == MAX_DEPTH {
                    return Err(self.fail());
                }
                objects = objects << 1 | u128::from(object);
                depth += 1;
                self.at += 1;
                self.space();
                if !self.eat(if object { b'}' } else { b']' }) {
                    if object {
                        self.key()?;
                    }
                    continue;
                }
                objects >>= 1;
                depth -= 1;
            } else {
                self.skip_scalar()?;
            }
            // After a value: close what ends here, then go on to the next one.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                if self.eat(b',') {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                self.need(if object { b'}' } else { b']' })?;
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    fn key(&mut self) -> Result<()> {
        self.any_string()?;
        self.need(b':')
    }

    fn word(&mut self, word: &[u8]) -> Result<()> {
        if !self.eat_exact(word) {
            return Err(self.fail());
        }
        self.space();
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    pub(super) fn number(&mut self) -> Result<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (zero && digits > 1) {
            return Err(self.fail());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.fail());
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.fail());
            }
        }
        self.space();
        Ok(())
    }
}
