//! What a caller offers: names, types, units.

use super::error::nearest;
use super::ir::{Field, FieldType};
use super::lexer::KEYWORDS;
use super::limits;
use super::units::Unit;

impl Field {
    /// Makes a field from its name and `"type unit"`: `"f64"`, `"u64 slots"`, `"i64 lamports"`.
    ///
    /// A field without a unit is a plain number: it takes the unit of its neighbour. A name that is no
    /// identifier, such as `SOL/USDC`, is written in quotes in the source.
    ///
    /// # Errors
    /// A name or specification that cannot be used, with what may stand there.
    pub fn new(name: &str, specification: &str) -> Result<Self, String> {
        if name.is_empty() || name.len() > 128 {
            return Err(format!("a field's name has 1 to 128 bytes, this one has {}", name.len()));
        }
        if KEYWORDS.contains(&name) || name.contains(['"', '\'', '\\']) || name.contains(char::is_control) {
            return Err(format!("{name:?} cannot name a field: it is a word or a sign of the language"));
        }
        let mut words = specification.split_whitespace();
        let type_name = words.next().unwrap_or("");
        let found = FieldType::NAMES.iter().find(|(known, _)| *known == type_name);
        let Some(&(_, field_type)) = found else {
            let unit =
                if Unit::named(type_name).is_some() { format!("f64 {type_name}") } else { String::new() };
            let hint = if unit.is_empty() { String::new() } else { format!("; did you mean {unit:?}?") };
            return Err(format!(
                "field {name}: type {type_name:?} is unknown; types are f64, i64, u64, bool{hint}"
            ));
        };
        let unit = match words.next() {
            None => Unit::Any,
            Some(word) if field_type == FieldType::Bool => {
                return Err(format!("field {name}: a bool has no unit, found {word:?}"));
            }
            Some(word) => Unit::named(word).ok_or_else(|| {
                let near = nearest(word, Unit::names());
                let hint = near.map_or_else(
                    || format!("units are {}", Unit::names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                format!("field {name}: unit {word:?} is unknown; {hint}")
            })?,
        };
        if let Some(word) = words.next() {
            return Err(format!("field {name}: {word:?} is too much; a type and a unit are enough"));
        }
        Ok(Self { name: name.to_owned(), field_type, unit })
    }

    /// Returns type and unit, as [`Field::new`] takes them.
    #[must_use]
    pub fn specification(&self) -> String {
        let known = FieldType::NAMES.iter().find(|(_, field_type)| *field_type == self.field_type);
        let name = known.map_or("", |(name, _)| name);
        self.unit().map_or_else(|| name.to_owned(), |unit| format!("{name} {unit}"))
    }

    /// Makes all fields of a source.
    ///
    /// # Errors
    /// As [`Field::new`], or two fields of one name, or too many.
    pub fn all<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Self>, String> {
        let mut fields: Vec<Self> = Vec::new();
        for (name, specification) in pairs {
            if fields.iter().any(|field| field.name == name) {
                return Err(format!("field {name} is declared twice"));
            }
            if fields.len() == limits::FIELDS {
                return Err(format!("more than {} fields", limits::FIELDS));
            }
            fields.push(Self::new(name, specification)?);
        }
        Ok(fields)
    }
}
