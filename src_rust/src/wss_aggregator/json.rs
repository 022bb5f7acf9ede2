//! A strict JSON cursor over the bytes of one frame: nothing is built, values are read or skipped.
//!
//! Strings come back as slices of the frame; only a string with an escape is copied. What is
//! skipped is checked as carefully as what is read (RFC 8259, except that the bytes of skipped
//! strings need not be valid UTF-8).

mod skip;

use std::borrow::Cow;

use super::malformed::Malformed;

/// Levels of nesting that are followed; real frames have fewer than ten.
const MAX_DEPTH: u32 = 128;

/// What a value turns out to be, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A position in a frame.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Result<T> = std::result::Result<T, Malformed>;

impl<'a> Cursor<'a> {
    /// Starts at the first byte that is not white space.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut cursor = Self { bytes, at: 0 };
        cursor.space();
        cursor
    }

    /// Continues at byte `at` of the same frame.
    pub fn seek(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Returns the offset of the next byte.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Returns what is left of the frame.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns "not JSON" at this place.
    #[cold]
    pub fn fail(&self) -> Malformed {
        Malformed::NotJson { at: self.at }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over one structural byte and the white space after it.
    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.at += 1;
            self.space();
            true
        } else {
            false
        }
    }

    #[inline]
    fn need(&mut self, byte: u8) -> Result<()> {
        if self.eat(byte) { Ok(()) } else { Err(self.fail()) }
    }

    #[inline]
    fn eat_exact(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Steps over `text` if it comes next, byte for byte.
    #[inline]
    pub fn exact(&mut self, text: &[u8]) -> Option<()> {
        self.eat_exact(text).then_some(())
    }

    /// Steps over `count` bytes, which the caller has looked at.
    #[inline]
    pub fn step(&mut self, count: usize) {
        self.at += count;
    }

    /// Steps over what is left of a string and its quote; `None` if an escape comes first.
    #[inline]
    pub fn until_quote(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let text = &rest[..special_byte(rest)];
        if rest.get(text.len()) != Some(&b'"') {
            return None;
        }
        self.at += text.len() + 1;
        Some(text)
    }

    /// Steps over a whole number of 1 to 20 digits without leading zeros that fits 64 bits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "on the way of every frame that is news, and small")]
    pub fn digits_u64(&mut self) -> Option<u64> {
        let rest = self.rest();
        let (mut value, mut digits) = match rest.first_chunk() {
            Some(eight) => digits_of(*eight),
            None => (0, 0),
        };
        // 19 digits always fit.
        for byte in rest.iter().take(19).skip(digits) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value * 10 + u64::from(digit);
            digits += 1;
        }
        if digits == 19
            && let Some(last @ b'0'..=b'9') = rest.get(19)
        {
            value = value.checked_mul(10)?.checked_add(u64::from(last - b'0'))?;
            digits += 1;
        }
        let leads = digits > 1 && rest.first() == Some(&b'0');
        self.at += digits;
        (digits > 0 && !leads && !rest.get(digits).is_some_and(u8::is_ascii_digit)).then_some(value)
    }

    /// Returns the kind of the next value.
    #[inline]
    pub fn kind(&self) -> Result<Kind> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.fail()),
        }
    }

    /// Fails unless only white space is left.
    pub fn end(&self) -> Result<()> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fail()) }
    }

    /// Steps into an object and calls `field` once for every key, at its value.
    ///
    /// `field` must read or skip exactly one value.
    #[inline]
    pub fn object(
        &mut self,
        name: &'static str,
        mut field: impl FnMut(&mut Self, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.is(Kind::Object, name)?;
        self.need(b'{')?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = self.any_string()?;
            self.need(b':')?;
            field(self, &key)?;
            if !self.eat(b',') {
                return self.need(b'}');
            }
        }
    }

    /// Steps into an array and calls `item` at every value with its position.
    #[inline]
    pub fn array(
        &mut self,
        name: &'static str,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        self.is(Kind::Array, name)?;
        self.need(b'[')?;
        if self.eat(b']') {
            return Ok(());
        }
        for position in 0.. {
            item(self, position)?;
            if !self.eat(b',') {
                break;
            }
        }
        self.need(b']')
    }

    #[inline]
    fn is(&self, kind: Kind, name: &'static str) -> Result<()> {
        if self.kind()? == kind { Ok(()) } else { Err(Malformed::WrongType(name)) }
    }

    /// Reads a string, unescaped.
    #[inline]
    pub fn string(&mut self, name: &'static str) -> Result<Cow<'a, [u8]>> {
        self.is(Kind::String, name)?;
        self.any_string()
    }

    /// Reads a string of which the caller checks that every byte is a printable one.
    #[inline]
    pub fn long_text(&mut self, name: &'static str) -> Result<Cow<'a, [u8]>> {
        self.is(Kind::String, name)?;
        let start = self.at + 1;
        let rest = &self.bytes[start..];
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(len) if rest[len] == b'"' => {
                self.at = start + len + 1;
                self.space();
                Ok(Cow::Borrowed(&rest[..len]))
            }
            _ => self.escaped(start),
        }
    }

    #[inline]
    fn any_string(&mut self) -> Result<Cow<'a, [u8]>> {
        if self.peek() != Some(b'"') {
            return Err(self.fail());
        }
        let start = self.at + 1;
        let special = start + special_byte(&self.bytes[start..]);
        if self.bytes.get(special) == Some(&b'"') {
            self.at = special + 1;
            self.space();
            return Ok(Cow::Borrowed(&self.bytes[start..special]));
        }
        self.escaped(start)
    }

    /// Reads a string that holds an escape (or no end at all).
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<Cow<'a, [u8]>> {
        let mut text = Vec::new();
        self.at = start;
        loop {
            let rest = self.rest();
            let special = special_byte(rest);
            text.extend_from_slice(&rest[..special]);
            self.at += special;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.space();
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => self.escape(&mut text)?,
                _ => return Err(self.fail()),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<()> {
        self.at += 1;
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let unit = self.hex()?;
                let code = match unit {
                    0xD800..=0xDBFF if self.rest().starts_with(b"\\u") => {
                        self.at += 1;
                        let low = self.hex()?;
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return Err(self.fail());
                        }
                        0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    unit => unit,
                };
                let letter = char::from_u32(code).ok_or_else(|| self.fail())?;
                text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.fail()),
        };
        self.at += 1;
        text.push(byte);
        Ok(())
    }

    /// Reads the four digits after `u`, which is the next byte.
    fn hex(&mut self) -> Result<u32> {
        let digits = self.bytes.get(self.at + 1..self.at + 5).ok_or_else(|| self.fail())?;
        let mut code = 0;
        for &digit in digits {
            let value = char::from(digit).to_digit(16).ok_or_else(|| self.fail())?;
            code = code << 4 | value;
        }
        self.at += 5;
        Ok(code)
    }

    /// Reads a whole number without sign, point or exponent that fits 64 bits.
    #[inline]
    pub fn u64(&mut self, name: &'static str) -> Result<u64> {
        self.is(Kind::Number, name)?;
        let start = self.at;
        let mut value = 0_u64;
        let mut overflow = false;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let (product, over) = value.overflowing_mul(10);
            let (sum, carry) = product.overflowing_add(u64::from(digit - b'0'));
            value = sum;
            overflow |= over | carry;
            self.at += 1;
        }
        let digits = self.at - start;
        let plain = !matches!(self.peek(), Some(b'.' | b'e' | b'E' | b'-' | b'+'));
        if digits == 0 || !plain || (digits > 1 && self.bytes[start] == b'0') || overflow {
            self.at = start;
            self.number()?;
            return Err(Malformed::WrongType(name));
        }
        self.space();
        Ok(value)
    }
}

/// Returns the number that the decimal digits at the beginning are, and how many there are.
#[inline]
fn digits_of(text: [u8; 8]) -> (u64, usize) {
    let digits = u64::from_le_bytes(text) ^ (ONES * 0x30);
    // A byte above 9 carries into its high bit, or has it set; no carry leaves its byte before one does.
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & HIGH_BITS;
    let count = others.trailing_zeros() / 8;
    // The digits move to the end, as if zeros stood before them; pairs, then fours, then all are joined.
    let digits = digits.checked_shl(64 - 8 * count).unwrap_or_default();
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    (all, count as usize)
}

/// Returns the number that the decimal digits at the end of a text are, of which only the last 19
/// count, and how many of them there are. 19 may not fit: then the number is wrong.
#[inline(always)]
#[expect(clippy::inline_always, reason = "on the way of every frame, and small")]
pub fn last_digits(text: &[u8]) -> (u64, usize) {
    let (mut number, mut power, mut digits) = (0_u64, 1_u64, 0);
    for byte in text.iter().rev().take(19) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_add(u64::from(digit).wrapping_mul(power));
        power = power.wrapping_mul(10);
        digits += 1;
    }
    (number, digits)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = ONES << 7;

/// Returns the offset of the first quote, backslash or control byte, or the length if there is none.
#[inline]
fn special_byte(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // Eight bytes at once: a byte's high bit survives where subtracting made it borrow. The
        // borrow may spill into the bytes after it, so only the first find counts.
        let word = u64::from_le_bytes(*word);
        let (quote, slash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5C));
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGH_BITS;
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    let rest = tail.iter().position(special).unwrap_or(tail.len());
    bytes.len() - tail.len() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_u64_of_every_length_is_the_number_and_stops_behind_it() {
        let longest = u64::MAX.to_string();
        for length in 1..=longest.len() {
            let number = &longest[..length];
            for after in ["", ",", "}}]]}}]]", "/:/:/:/:", "\u{ba}\u{b9}\u{b0}123456"] {
                let text = format!("{number}{after}");
                let mut at = Cursor::new(text.as_bytes());
                assert_eq!(at.digits_u64(), number.parse().ok(), "{text}");
                assert_eq!(at.rest(), after.as_bytes(), "{text}");
            }
        }
        for bad in ["", "x", "00", "012345678", "-1", "18446744073709551616", "100000000000000000000"] {
            assert_eq!(Cursor::new(bad.as_bytes()).digits_u64(), None, "{bad}");
        }
    }

    #[test]
    fn last_digits_are_those_behind_the_last_other_byte() {
        for (text, expected) in [
            (&b"x:1203"[..], (1203, 4)),
            (b"907", (907, 3)),
            (b"7x", (0, 0)),
            (b"", (0, 0)),
            (b"\xb1\xb21", (1, 1)),
            (b"a123456789012345678", (123_456_789_012_345_678, 18)),
        ] {
            assert_eq!(last_digits(text), expected, "{text:?}");
        }
        assert_eq!(last_digits(&[b'1'; 30]).1, 19);
    }
}
