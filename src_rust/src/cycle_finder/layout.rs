//! Where the sweep keeps edges: nodes renumbered breadth-first, edges paired with their reverse.
//!
//! A pool gives two edges, and `-w(b→a) <= p(b) - p(a) <= w(a→b)` must hold for potentials `p`
//! that prove the absence of negative cycles: one *link* holds both bounds, so a check of all
//! edges reads every end once. Links of the breadth-first forest come first, one per node and in
//! node order, so that first potentials are one sequential pass. Arcs by source are a second copy
//! for the repair, which walks from node to node.

/// No node, no edge.
pub(super) const NONE: u32 = u32::MAX;

/// Two ends and what both directions weigh; infinite where the direction has no edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub a: u32,
    pub b: u32,
    /// From a to b.
    pub forth: f64,
    /// From b to a.
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
    /// Per node the link to its parent in the forest (`a`), the node being `b`; roots have `a = NONE`.
    pub forest: Vec<Link>,
    /// Links outside the forest, by their ends.
    pub links: Vec<Link>,
    /// Edges of a link, forest first: (forth, back), [`NONE`] where there is none.
    pub link_edges: Vec<[u32; 2]>,
    /// Start of each node's arcs, and the end of the last.
    pub first_arc: Vec<u32>,
    pub arcs: Vec<Arc>,
    places: Vec<Place>,
}

impl Layout {
    /// `src`, `dst` below `nodes`, all three of one length below 2³¹.
    pub fn new(nodes: usize, src: &[u32], dst: &[u32], weight: &[f64]) -> Self {
        let (label, parent) = breadth_first(nodes, src, dst);
        let ends = |edge: usize| (label[src[edge] as usize], label[dst[edge] as usize]);

        let (first_arc, by_source) = group_by(nodes, src.len(), |edge| ends(edge).0);
        let mut places = vec![Place::default(); src.len()];
        let mut arcs = vec![Arc::default(); src.len()];
        for (arc, &edge) in by_source.iter().enumerate() {
            arcs[arc] = Arc { to: ends(edge as usize).1, edge, weight: weight[edge as usize] };
            places[edge as usize].arc = index(arc);
        }

        let mut layout = Self {
            forest: parent
                .iter()
                .enumerate()
                .map(|(node, &a)| Link { a, b: index(node), forth: f64::INFINITY, back: f64::INFINITY })
                .collect(),
            links: Vec::new(),
            link_edges: vec![[NONE; 2]; nodes],
            first_arc,
            arcs,
            places,
        };
        layout.pair_edges(&parent, src.len(), ends);
        for (edge, &weight) in weight.iter().enumerate() {
            layout.set_weight(edge, weight);
        }
        layout
    }

    /// Joins the k-th edge a→b with the k-th edge b→a; the first of a forest pair goes to the forest.
    fn pair_edges(&mut self, parent: &[u32], edges: usize, ends: impl Fn(usize) -> (u32, u32)) {
        let mut sorted: Vec<(u32, u32, bool, u32)> = (0..edges)
            .map(|edge| {
                let (from, to) = ends(edge);
                (from.min(to), from.max(to), from > to, index(edge))
            })
            .collect();
        sorted.sort_unstable();
        for same_ends in sorted.chunk_by(|x, y| (x.0, x.1) == (y.0, y.1)) {
            let (low, high) = (same_ends[0].0, same_ends[0].1);
            let (forth, back) = same_ends.split_at(same_ends.partition_point(|&(_, _, is_back, _)| !is_back));
            for k in 0..forth.len().max(back.len()) {
                let pair = [forth, back].map(|side| side.get(k).map_or(NONE, |&(_, _, _, edge)| edge));
                let link = if k == 0 && low != high && parent[high as usize] == low {
                    self.link_edges[high as usize] = pair;
                    high
                } else {
                    self.links.push(Link { a: low, b: high, forth: f64::INFINITY, back: f64::INFINITY });
                    self.link_edges.push(pair);
                    index(self.link_edges.len() - 1)
                };
                for (edge, back) in [(pair[0], false), (pair[1], true)] {
                    if edge != NONE {
                        let place = &mut self.places[edge as usize];
                        (place.link, place.back) = (link, back);
                    }
                }
            }
        }
    }

    pub fn set_weight(&mut self, edge: usize, weight: f64) {
        let Place { arc, link, back } = self.places[edge];
        self.arcs[arc as usize].weight = weight;
        let link = link as usize;
        let nodes = self.forest.len();
        let link = if link < nodes { &mut self.forest[link] } else { &mut self.links[link - nodes] };
        if back {
            link.back = weight;
        } else {
            link.forth = weight;
        }
    }

    pub fn weight(&self, edge: usize) -> f64 {
        self.arcs[self.places[edge].arc as usize].weight
    }

    /// Returns the edges of a link outside the forest: (forth, back).
    pub fn edges_of_link(&self, link: usize) -> [u32; 2] {
        self.link_edges[self.forest.len() + link]
    }
}

/// Numbers nodes in breadth-first order over edges taken both ways, each part of the graph from
/// its busiest node. Returns the number of each node, and by number the parent's number.
fn breadth_first(nodes: usize, src: &[u32], dst: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let edges = src.len();
    let end = |side: usize| if side < edges { src[side] } else { dst[side - edges] };
    let (first, sides) = group_by(nodes, 2 * edges, end);
    let degree = |node: usize| first[node + 1] - first[node];
    let mut roots: Vec<u32> = (0..nodes).map(index).collect();
    roots.sort_by_key(|&node| std::cmp::Reverse(degree(node as usize)));

    let mut label = vec![NONE; nodes];
    let mut parent = Vec::with_capacity(nodes);
    let mut order: Vec<u32> = Vec::with_capacity(nodes);
    for root in roots {
        if label[root as usize] != NONE {
            continue;
        }
        let mut head = order.len();
        label[root as usize] = index(head);
        order.push(root);
        parent.push(NONE);
        while head < order.len() {
            let node = order[head] as usize;
            for &side in &sides[first[node] as usize..first[node + 1] as usize] {
                let side = side as usize;
                let other = end(if side < edges { side + edges } else { side - edges }) as usize;
                if label[other] == NONE {
                    label[other] = index(order.len());
                    order.push(index(other));
                    parent.push(index(head));
                }
            }
            head += 1;
        }
    }
    (label, parent)
}

/// Sorts `0..items` by key, stable. Returns each key's start (and the end), and the items.
fn group_by(keys: usize, items: usize, key: impl Fn(usize) -> u32) -> (Vec<u32>, Vec<u32>) {
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
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}
