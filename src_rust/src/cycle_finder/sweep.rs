//! The whole-market face of Bellman-Ford: a price graph's net weights, swept for any cycle.

use super::bellman_ford::{NegativeCycle, NegativeCycleFinder};
use super::graph::{EdgeIndex, PriceGraph};
use super::input::FinderError;

/// A sweep over a [`PriceGraph`], built anew only when edges appeared or disappeared.
#[derive(Debug, Clone, Default)]
pub struct MarketSweep {
    built: Option<Built>,
}

#[derive(Debug, Clone)]
struct Built {
    shape: u64,
    finder: NegativeCycleFinder,
    /// The market's edge by the finder's.
    edges: Vec<EdgeIndex>,
}

impl MarketSweep {
    /// Returns a sweep that has not met a graph yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a cycle that gains after fees at the margin, if the market has one. Edges are the
    /// graph's; the cycle is simple in mints, of any length.
    ///
    /// Costs the whole market on every call. One sweep belongs to one graph.
    ///
    /// # Errors
    /// [`FinderError::Weight`] if a weight is beyond [`super::MAX_ABS_WEIGHT`].
    pub fn find(&mut self, graph: &PriceGraph) -> Result<Option<NegativeCycle>, FinderError> {
        let built = match self.built.take() {
            Some(mut built) if built.shape == graph.shape() => {
                built.refresh(graph)?;
                built
            }
            _ => Built::new(graph)?,
        };
        let built = self.built.insert(built);
        Ok(built.finder.find().map(|mut cycle| {
            for edge in &mut cycle.edges {
                *edge = built.edges[*edge as usize];
            }
            cycle
        }))
    }
}

impl Built {
    fn new(graph: &PriceGraph) -> Result<Self, FinderError> {
        let (mut edges, mut src, mut dst, mut weight) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for edge in (0..).take(2 * graph.pool_count()) {
            if let (Some((from, to)), Some(of_edge)) = (graph.ends(edge), graph.weight(edge)) {
                edges.push(edge);
                src.push(from);
                dst.push(to);
                weight.push(of_edge.net);
            }
        }
        let finder = NegativeCycleFinder::new(graph.mint_count(), &src, &dst, &weight)?;
        Ok(Self { shape: graph.shape(), finder, edges })
    }

    fn refresh(&mut self, graph: &PriceGraph) -> Result<(), FinderError> {
        for (place, &edge) in self.edges.iter().enumerate() {
            self.finder.update(place, graph.raw_weight(edge).net)?;
        }
        Ok(())
    }
}
