//! Rows as one array.

use std::sync::Arc;

use super::MAX_HOPS;
use super::error::MultiverseError;
use super::graph::Multiverse;
use super::layer::{Layer, signed};
use super::query::Level;

/// The most values (rows times width) of one table: 1 GiB.
pub const MAX_TABLE_VALUES: usize = 1 << 28;

/// Fills the places of a row after its end.
pub(super) const PADDING: i32 = -1;

/// Why a table ends before the last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// There are more rows than `max_count`.
    Count,
    /// It was interrupted; there may be more rows.
    Interrupted,
}

/// Rows of one width, one after the other, padded with -1.
#[derive(Debug, Clone)]
pub struct WalkTable {
    /// Edge indices, or nodes.
    pub values: Vec<i32>,
    /// What they mean.
    pub shape: TableShape,
}

/// What the values of a table mean.
#[derive(Debug, Clone)]
pub struct TableShape {
    /// Values per row: the most hops; one more for paths at mint level, whose last node is listed.
    pub width: usize,
    /// What a row is.
    pub level: Level,
    /// Whether rows are cycles, whose last node is their first.
    pub is_cycles: bool,
    /// Why rows are missing, if they are.
    pub truncation: Option<Truncation>,
    pub(super) layer: Arc<Layer>,
}

impl WalkTable {
    /// Iterates the rows without their padding.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[i32]> {
        self.shape.rows(&self.values)
    }
}

impl TableShape {
    /// Iterates the rows of `values` without their padding.
    #[must_use]
    pub fn rows<'a>(&self, values: &'a [i32]) -> impl ExactSizeIterator<Item = &'a [i32]> {
        values.chunks_exact(self.width).map(|row| {
            let len = row.iter().position(|&value| value == PADDING).unwrap_or(row.len());
            &row[..len]
        })
    }

    /// Returns the hops of a row without its padding.
    #[must_use]
    pub fn hops(&self, row: &[i32]) -> usize {
        let lists_last_node = self.level == Level::Mint && !self.is_cycles;
        row.len().saturating_sub(usize::from(lists_last_node))
    }
}

impl Multiverse {
    /// Returns what each row weighs: its weights added in walking order; at mint level those of the
    /// lightest distinct pools. NaN for a row that is none of this graph.
    ///
    /// # Errors
    /// [`MultiverseError::Without`] if the graph has no weights.
    pub fn weights_of(&self, values: &[i32], shape: &TableShape) -> Result<Vec<f64>, MultiverseError> {
        let Some(weight) = &self.weight else {
            return Err(MultiverseError::Without { asked: "the weight of a row", array: "weight" });
        };
        let of_edge = |&edge: &i32| usize::try_from(edge).ok().and_then(|edge| weight.get(edge));
        let of_edges = |row: &[i32]| row.iter().map(of_edge).try_fold(0.0, |sum, edge| Some(sum + edge?));
        let of_nodes = |row: &[i32]| {
            let mut nodes = row.iter().map(|&node| u32::try_from(node).ok());
            let mut places = [0; MAX_HOPS];
            let first = nodes.next()?;
            let mut from = first?;
            let hops = shape.hops(row);
            for place in places.get_mut(..hops)? {
                let to = nodes.next().unwrap_or(first)?;
                *place = shape.layer.place_between(from, to)?;
                from = to;
            }
            shape.layer.weight_of(&places[..hops])
        };
        let of_row = |row: &[i32]| match shape.level {
            Level::Pool => of_edges(row),
            Level::Mint => of_nodes(row),
        };
        Ok(shape.rows(values).map(|row| of_row(row).unwrap_or(f64::NAN)).collect())
    }

    /// Returns the nodes of the rows, as a table of the mint level has them: a cycle's without the
    /// first again, a path's with the last. The second value is the width.
    #[must_use]
    pub fn nodes_of(&self, values: &[i32], shape: &TableShape) -> (Vec<i32>, usize) {
        if shape.level == Level::Mint {
            return (values.to_vec(), shape.width);
        }
        let width = shape.width + usize::from(!shape.is_cycles);
        let mut nodes = vec![PADDING; values.len() / shape.width * width];
        for (row, listed) in shape.rows(values).zip(nodes.chunks_exact_mut(width)) {
            for (place, &edge) in row.iter().enumerate() {
                if let Some((from, to, _)) = usize::try_from(edge).ok().and_then(|edge| self.edge(edge)) {
                    listed[place] = signed(from);
                    if !shape.is_cycles {
                        listed[place + 1] = signed(to);
                    }
                }
            }
        }
        (nodes, width)
    }
}
