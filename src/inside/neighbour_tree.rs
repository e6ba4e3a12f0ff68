//! Sums over all points of a plane by what lies far off together (Barnes & Hut 1986).

/// Depth below which points are taken to lie at one place.
const DEEPEST: u32 = 48;
/// A square as wide as this share of its distance, or less, counts as one place.
const FAR: f64 = 0.5;

/// A square of the plane with points in it.
#[derive(Clone, Copy, Debug)]
struct Square {
    /// Mean of its points.
    middle: [f64; 2],
    /// How many they are.
    points: f64,
    side: f64,
    /// Its quarters; none where all its points count as one place.
    quarters: [Option<u32>; 4],
}

/// Points of a plane in squares of squares.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    squares: Vec<Square>,
}

/// What pushes a point away from all others, of Student's kernel `w = 1 / (1 + distance²)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Push {
    /// Sum of `w² * (point - other)`.
    pub force: [f64; 2],
    /// Sum of `w`, the point itself left out.
    pub weight: f64,
}

impl Tree {
    /// Of points whose coordinates are finite.
    pub fn of(points: &[[f64; 2]]) -> Self {
        let mut tree = Self::default();
        let fold = |axis: usize, pick: fn(f64, f64) -> f64, from| points.iter().map(|p| p[axis]).fold(from, pick);
        let low = [0, 1].map(|axis| fold(axis, f64::min, f64::INFINITY));
        let high = [0, 1].map(|axis| fold(axis, f64::max, f64::NEG_INFINITY));
        let side = (high[0] - low[0]).max(high[1] - low[1]);
        if !points.is_empty() {
            tree.add(points, (0..points.len()).collect(), low, side, 0);
        }
        tree
    }

    /// Adds the square from `corner` with these points, and gives its number.
    fn add(&mut self, points: &[[f64; 2]], inside: Vec<usize>, corner: [f64; 2], side: f64, depth: u32) -> u32 {
        let count = inside.len() as f64;
        let middle = [0, 1].map(|axis| inside.iter().map(|i| points[*i][axis]).sum::<f64>() / count);
        let at = self.squares.len();
        self.squares.push(Square { middle, points: count, side, quarters: [None; 4] });
        let first = inside.first().map(|i| points[*i]);
        if depth == DEEPEST || inside.iter().all(|i| Some(points[*i]) == first) {
            return at as u32;
        }
        let half = side / 2.0;
        let mut quarters: [Vec<usize>; 4] = Default::default();
        for i in inside {
            let beyond = [0, 1].map(|axis| usize::from(points[i][axis] >= corner[axis] + half));
            quarters[beyond[0] + 2 * beyond[1]].push(i);
        }
        for (q, inside) in quarters.into_iter().enumerate().filter(|(_, inside)| !inside.is_empty()) {
            let corner = [corner[0] + half * (q % 2) as f64, corner[1] + half * (q / 2) as f64];
            let number = self.add(points, inside, corner, half, depth + 1);
            self.squares[at].quarters[q] = Some(number);
        }
        at as u32
    }

    /// What pushes a point that is in the tree.
    pub fn push(&self, point: [f64; 2]) -> Push {
        let mut push = Push { weight: -1.0, ..Push::default() };
        let mut open: Vec<u32> = if self.squares.is_empty() { Vec::new() } else { vec![0] };
        while let Some(square) = open.pop().and_then(|at| self.squares.get(at as usize)) {
            let [dx, dy] = [0, 1].map(|axis| point[axis] - square.middle[axis]);
            let squared = dx * dx + dy * dy;
            let one = square.quarters.iter().all(Option::is_none);
            if one || square.side * square.side < FAR * FAR * squared {
                add(&mut push, [dx, dy], squared, square.points);
            } else {
                open.extend(square.quarters.iter().flatten());
            }
        }
        push
    }
}

/// The same by looking at every point.
pub(super) fn push_of_all(points: &[[f64; 2]], point: [f64; 2]) -> Push {
    let mut push = Push { weight: -1.0, ..Push::default() };
    for other in points {
        let [dx, dy] = [0, 1].map(|axis| point[axis] - other[axis]);
        add(&mut push, [dx, dy], dx * dx + dy * dy, 1.0);
    }
    push
}

fn add(push: &mut Push, [dx, dy]: [f64; 2], squared: f64, points: f64) {
    let w = 1.0 / (1.0 + squared);
    push.weight += points * w;
    push.force[0] += points * w * w * dx;
    push.force[1] += points * w * w * dy;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_says_nearly_what_all_points_say() {
        // A spiral, with one place twice.
        let mut points: Vec<[f64; 2]> = (0..400)
            .map(|i| (f64::from(i) * 0.17, f64::from(i) * 0.05))
            .map(|(a, r)| [r * a.cos(), r * a.sin()])
            .collect();
        points.push(points[7]);
        let tree = Tree::of(&points);
        for point in &points {
            let (near, exact) = (tree.push(*point), push_of_all(&points, *point));
            assert!((near.weight - exact.weight).abs() < 0.02 * exact.weight, "{near:?} {exact:?}");
            let off = (0..2).map(|a| (near.force[a] - exact.force[a]).abs()).fold(0.0, f64::max);
            assert!(off < 0.02 * exact.weight, "{near:?} {exact:?}");
        }
        // Two places a unit apart: each is pushed by a quarter of the way.
        let two = Tree::of(&[[0.0, 0.0], [1.0, 0.0]]);
        assert_eq!(two.push([1.0, 0.0]), Push { force: [0.25, 0.0], weight: 0.5 });
        assert_eq!(Tree::of(&[[3.0, 3.0]; 3]).push([3.0, 3.0]), Push { force: [0.0; 2], weight: 2.0 });
    }
}
