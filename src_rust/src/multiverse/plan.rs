//! A question made ready: checked, with what prunes the walks.

use std::sync::Arc;

use super::MAX_HOPS;
use super::error::{MultiverseError, check_hops};
use super::graph::Multiverse;
use super::layer::{Layer, index, signed};
use super::query::{Between, Bounds, Level};
use super::table::{MAX_TABLE_VALUES, PADDING, TableShape, Truncation, WalkTable};

/// One start and end to walk between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub start: u32,
    pub end: u32,
}

/// What was asked, and on what it is walked.
#[derive(Debug)]
pub(super) struct Plan {
    pub layer: Arc<Layer>,
    pub targets: Vec<Target>,
    /// By node, its place among several bases; empty otherwise.
    rank: Vec<u32>,
    pub min_hops: usize,
    /// Values per row while walking: `max_hops`, but at least 2.
    pub walk_hops: usize,
    pub max_hops: usize,
    pub max_weight: Option<f64>,
    /// What no row's weight may pass as far as pruning can tell: it adds in another order than rows
    /// do, and allows for what rounding may make of that.
    pub prune_above: f64,
    is_cycles: bool,
}

/// What walkers found: values of [`Plan::walk_hops`] a row.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub values: Vec<i32>,
    pub is_interrupted: bool,
}

impl Plan {
    pub fn new(
        graph: &Multiverse,
        between: Between<'_>,
        level: Level,
        bounds: &Bounds,
    ) -> Result<Self, MultiverseError> {
        let nodes = graph.node_count();
        let check_node = |name: &dyn Fn() -> String, node: u32| {
            let unknown = || MultiverseError::UnknownNode { name: name(), node: node.into(), nodes };
            if (node as usize) < nodes { Ok(()) } else { Err(unknown()) }
        };
        let is_cycles = matches!(between, Between::Cycles(_));
        check_hops(bounds.min_hops, bounds.max_hops, if is_cycles { 2 } else { 1 })?;
        let mut rank = Vec::new();
        let targets = match between {
            Between::Cycles(bases) => {
                if bases.len() > 1 {
                    rank.resize(nodes, u32::MAX);
                }
                for (place, &base) in bases.iter().enumerate() {
                    check_node(&|| format!("bases[{place}]"), base)?;
                    if let Some(rank) = rank.get_mut(base as usize) {
                        if *rank != u32::MAX {
                            return Err(MultiverseError::RepeatedBase { place, node: base });
                        }
                        *rank = index(place);
                    }
                }
                bases.iter().map(|&base| Target { start: base, end: base }).collect()
            }
            Between::Path { start, end } => {
                check_node(&|| "start".to_owned(), start)?;
                check_node(&|| "end".to_owned(), end)?;
                if start == end {
                    return Err(MultiverseError::SameEnds { node: start });
                }
                vec![Target { start, end }]
            }
        };
        let layer = graph.layer(level, bounds.min_liquidity)?;
        let mut prune_above = f64::INFINITY;
        if let Some(value) = bounds.max_weight {
            if graph.weight.is_none() {
                return Err(MultiverseError::Without { asked: "max_weight", array: "weight" });
            }
            if !value.is_finite() {
                return Err(MultiverseError::Bound { name: "max_weight", value });
            }
            let largest = layer.weights.iter().fold(0.0, |most: f64, weight| most.max(weight.abs()));
            // Every addition of at most `MAX_HOPS` weights rounds by at most 2^-53 of their sum.
            prune_above = value + (value.abs() + (MAX_HOPS * MAX_HOPS) as f64 * largest) * 2.0_f64.powi(-50);
        }
        Ok(Self {
            layer,
            targets,
            rank,
            min_hops: bounds.min_hops,
            walk_hops: bounds.max_hops.max(2),
            max_hops: bounds.max_hops,
            max_weight: bounds.max_weight,
            prune_above,
            is_cycles,
        })
    }

    /// Whether rows must be looked at one by one before they count.
    pub fn is_careful(&self) -> bool {
        self.max_weight.is_some() || self.layer.must_match_pools
    }

    /// Whether the walks for a target leave out a node: an earlier base.
    pub fn is_closed(&self, target: usize, node: u32) -> bool {
        self.rank.get(node as usize).is_some_and(|&rank| (rank as usize) < target)
    }

    /// How many rows to walk: one more than wanted, to know whether there are more.
    pub fn row_limit(&self, max_count: Option<usize>) -> Result<usize, MultiverseError> {
        let width = self.width().max(self.walk_hops);
        let most = MAX_TABLE_VALUES / width;
        match max_count {
            Some(count) if count > most => Err(MultiverseError::TooManyRows { most, width }),
            Some(count) => Ok(count + 1),
            None => Ok(most + 1),
        }
    }

    fn width(&self) -> usize {
        self.max_hops + usize::from(self.lists_last_node())
    }

    fn lists_last_node(&self) -> bool {
        self.layer.level == Level::Mint && !self.is_cycles
    }

    /// Appends where they end to rows of the nodes where hops start.
    fn with_last_node(&self, walked: &[i32]) -> Vec<i32> {
        let end = self.targets.first().map_or(PADDING, |target| signed(target.end));
        let width = self.width();
        let mut values = vec![PADDING; walked.len() / self.walk_hops * width];
        for (from, row) in walked.chunks_exact(self.walk_hops).zip(values.chunks_exact_mut(width)) {
            let hops = from.iter().position(|&node| node == PADDING).unwrap_or(from.len());
            row[..hops].copy_from_slice(&from[..hops]);
            row[hops] = end;
        }
        values
    }

    /// The table of the rows found.
    pub fn finish(&self, found: Found, max_count: Option<usize>) -> Result<WalkTable, MultiverseError> {
        let Found { mut values, is_interrupted } = found;
        let rows = values.len() / self.walk_hops;
        let mut truncation = is_interrupted.then_some(Truncation::Interrupted);
        match max_count {
            Some(count) if rows > count => {
                values.truncate(count * self.walk_hops);
                truncation = Some(Truncation::Count);
            }
            None if rows >= self.row_limit(None)? => {
                let width = self.width().max(self.walk_hops);
                return Err(MultiverseError::TooManyRows { most: MAX_TABLE_VALUES / width, width });
            }
            _ => {}
        }
        Ok(self.table(values, truncation))
    }

    /// The table of these rows of [`Self::walk_hops`] values.
    pub fn table(&self, walked: Vec<i32>, truncation: Option<Truncation>) -> WalkTable {
        let values = if self.lists_last_node() {
            self.with_last_node(&walked)
        } else if self.max_hops < self.walk_hops {
            // Rows of one hop, walked with room for two.
            walked.into_iter().step_by(self.walk_hops).collect()
        } else {
            walked
        };
        let shape = TableShape {
            width: self.width(),
            level: self.layer.level,
            is_cycles: self.is_cycles,
            truncation,
            layer: Arc::clone(&self.layer),
        };
        WalkTable { values, shape }
    }
}
