//! Where the sweep keeps edges: nodes renumbered breadth-first, edges paired with their reverse.
//!
//! A pool gives two edges, and `-w(b→a) <= p(b) - p(a) <= w(a→b)` must hold for potentials `p`
//! that prove the absence of negative cycles: one *link* holds both bounds, so a check of all
//! edges reads every end once. Links are kept with their later node: one sequential pass can give
//! each node the potential that suits all earlier ones, and breadth-first order makes sure that
//! there is one. Arcs by source are a second copy for the repair, which walks from node to node.

/// No node, no edge.
pub(super) const NONE: u32 = u32::MAX;

/// What joins a node to an earlier one; infinite where a direction has no edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// The earlier node.
    pub to: u32,
    /// From the earlier node to this one.
    pub forth: f64,
    /// From this node to the earlier one.
    pub back: f64,
}

/// An edge in the list of its source.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arc {
    pub to: u32,
    pub edge: u32,
    pub weight: f64,
}

/// Where an edge's weight is kept: its arc, its link, and which side of the link.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    arc: u32,
    link: u32,
    back: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Start of each node's links to earlier nodes, and the end of the last.
    pub first_link: Vec<u32>,
    pub links: Vec<Link>,
    /// Edges of a link: (forth, back), [`NONE`] where there is none.
    pub link_edges: Vec<[u32; 2]>,
    /// Edges from a node to itself.
    pub loops: Vec<u32>,
    /// Start of each node's arcs, and the end of the last.
    pub first_arc: Vec<u32>,
    pub arcs: Vec<Arc>,
    places: Vec<Place>,
    /// The number of each of the user's nodes.
    label: Vec<u32>,
}

impl Layout {
    /// `src`, `dst` below `nodes`, all three of one length below 2³¹.
    pub fn new(nodes: usize, src: &[u32], dst: &[u32], weight: &[f64]) -> Self {
        let label = breadth_first(nodes, src, dst);
        let ends = |edge: usize| (label[src[edge] as usize], label[dst[edge] as usize]);

        let (first_arc, by_source) = group_by(nodes, src.len(), |edge| ends(edge).0);
        let mut places = vec![Place::default(); src.len()];
        let mut arcs = vec![Arc::default(); src.len()];
        for (arc, &edge) in by_source.iter().enumerate() {
            arcs[arc] = Arc { to: ends(edge as usize).1, edge, weight: weight[edge as usize] };
            places[edge as usize].arc = index(arc);
        }

        let mut layout = Self {
            first_link: Vec::with_capacity(nodes + 1),
            links: Vec::new(),
            link_edges: Vec::new(),
            loops: Vec::new(),
            first_arc,
            arcs,
            places,
            label: Vec::new(),
        };
        layout.pair_edges(nodes, src.len(), ends);
        for (edge, &weight) in weight.iter().enumerate() {
            layout.set_weight(edge, weight);
        }
        layout.label = label;
        layout
    }

    /// Returns by node, in this layout's numbers, whether it can be reached from the user's `sources`.
    pub fn reached_from(&self, sources: &[u32]) -> Vec<bool> {
        let mut reached = vec![false; self.label.len()];
        let mut left: Vec<u32> = sources.iter().map(|&source| self.label[source as usize]).collect();
        while let Some(node) = left.pop() {
            if !std::mem::replace(&mut reached[node as usize], true) {
                left.extend(self.arcs_of(node as usize).iter().map(|arc| arc.to));
            }
        }
        reached
    }

    /// Returns where an edge ends, in this layout's numbers.
    pub fn end_of(&self, edge: u32) -> u32 {
        self.arcs[self.places[edge as usize].arc as usize].to
    }

    /// Joins the k-th edge from an earlier to a later node with the k-th edge back.
    fn pair_edges(&mut self, nodes: usize, edges: usize, ends: impl Fn(usize) -> (u32, u32)) {
        let mut sorted: Vec<(u32, u32, bool, u32)> = (0..edges)
            .map(|edge| {
                let (from, to) = ends(edge);
                (from.max(to), from.min(to), from > to, index(edge))
            })
            .collect();
        sorted.sort_unstable();
        for same_ends in sorted.chunk_by(|x, y| (x.0, x.1) == (y.0, y.1)) {
            let (node, to) = (same_ends[0].0, same_ends[0].1);
            if node == to {
                for &(_, _, _, edge) in same_ends {
                    self.places[edge as usize].link = NONE;
                    self.loops.push(edge);
                }
                continue;
            }
            while self.first_link.len() <= node as usize {
                self.first_link.push(index(self.links.len()));
            }
            let (forth, back) = same_ends.split_at(same_ends.partition_point(|&(_, _, is_back, _)| !is_back));
            for k in 0..forth.len().max(back.len()) {
                let pair = [forth, back].map(|side| side.get(k).map_or(NONE, |&(_, _, _, edge)| edge));
                for (edge, back) in [(pair[0], false), (pair[1], true)] {
                    if edge != NONE {
                        let place = &mut self.places[edge as usize];
                        (place.link, place.back) = (index(self.links.len()), back);
                    }
                }
                self.links.push(Link { to, forth: f64::INFINITY, back: f64::INFINITY });
                self.link_edges.push(pair);
            }
        }
        self.first_link.resize(nodes + 1, index(self.links.len()));
    }

    pub fn set_weight(&mut self, edge: usize, weight: f64) {
        let Place { arc, link, back } = self.places[edge];
        self.arcs[arc as usize].weight = weight;
        if let Some(link) = self.links.get_mut(link as usize) {
            *(if back { &mut link.back } else { &mut link.forth }) = weight;
        }
    }

    pub fn weight(&self, edge: usize) -> f64 {
        self.arcs[self.places[edge].arc as usize].weight
    }

    /// Returns the positions of a node's links.
    pub fn links_of(&self, node: usize) -> std::ops::Range<usize> {
        self.first_link[node] as usize..self.first_link[node + 1] as usize
    }

    /// Returns the arcs that start at a node.
    pub fn arcs_of(&self, node: usize) -> &[Arc] {
        &self.arcs[self.first_arc[node] as usize..self.first_arc[node + 1] as usize]
    }
}

/// Numbers nodes in breadth-first order over edges taken both ways, each part of the graph from
/// its busiest node. Returns the number of each node.
pub(super) fn breadth_first(nodes: usize, src: &[u32], dst: &[u32]) -> Vec<u32> {
    let edges = src.len();
    let end = |side: usize| if side < edges { src[side] } else { dst[side - edges] };
    let (first, sides) = group_by(nodes, 2 * edges, end);
    let degree = |node: usize| first[node + 1] - first[node];
    let mut roots: Vec<u32> = (0..nodes).map(index).collect();
    roots.sort_by_key(|&node| std::cmp::Reverse(degree(node as usize)));

    let mut label = vec![NONE; nodes];
    let mut order: Vec<u32> = Vec::with_capacity(nodes);
    for root in roots {
        if label[root as usize] != NONE {
            continue;
        }
        let mut head = order.len();
        label[root as usize] = index(head);
        order.push(root);
        while head < order.len() {
            let node = order[head] as usize;
            for &side in &sides[first[node] as usize..first[node + 1] as usize] {
                let side = side as usize;
                let other = end(if side < edges { side + edges } else { side - edges }) as usize;
                if label[other] == NONE {
                    label[other] = index(order.len());
                    order.push(index(other));
                }
            }
            head += 1;
        }
    }
    label
}

/// Sorts `0..items` by key, stable. Returns each key's start (and the end), and the items.
pub(super) fn group_by(keys: usize, items: usize, key: impl Fn(usize) -> u32) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0; keys + 1];
    for item in 0..items {
        first[key(item) as usize + 1] += 1;
    }
    for k in 0..keys {
        first[k + 1] += first[k];
    }
    let mut next = first.clone();
    let mut sorted = vec![0; items];
    for item in 0..items {
        let place = &mut next[key(item) as usize];
        sorted[*place as usize] = index(item);
        *place += 1;
    }
    (first, sorted)
}

/// A position as `u32`: the finder refuses graphs of more than 2³⁰ edges.
pub(super) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}
