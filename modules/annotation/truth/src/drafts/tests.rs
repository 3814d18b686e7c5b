//! Properties of drafts on seeded random shapes, against an oracle that looks at every pixel.

use std::collections::BTreeSet;

use super::*;
use crate::synthetic::Stream;

type Point = (u32, u32);

/// Whether the centre of a pixel lies in a polygon: an odd number of edges pass it at or below.
fn holds(corners: &[Point], x: u32, y: u32) -> bool {
    let passes = |(a, b): &(Point, Point)| {
        let ((ax, ay), (bx, by)) = ((i64::from(a.0), i64::from(a.1)), (i64::from(b.0), i64::from(b.1)));
        let (column, row) = (2 * i64::from(x) + 1, 2 * i64::from(y) + 1);
        let spans = (2 * ax < column) != (2 * bx < column);
        // Height at the column, (ay + (column / 2 - ax) (by - ay) / (bx - ax)) * 2 (bx - ax), against the row.
        let height = 2 * ay * (bx - ax) + (column - 2 * ax) * (by - ay);
        spans && if bx > ax { height <= row * (bx - ax) } else { height >= row * (bx - ax) }
    };
    polygon::edges(corners).filter(passes).count() % 2 == 1
}

fn pixels_of(polygon: &Polygon, side: u32) -> BTreeSet<Point> {
    let all = (0..side).flat_map(|x| (0..side).map(move |y| (x, y)));
    all.filter(|&(x, y)| holds(polygon.corners(), x, y)).collect()
}

/// A random polygon: some corners anywhere, taken where they make a simple one.
fn random_polygon(stream: &mut Stream, side: u64) -> Polygon {
    loop {
        let corners = 3 + stream.below(7);
        let corner = |stream: &mut Stream| (stream.below(side + 1) as u32, stream.below(side + 1) as u32);
        if let Ok(polygon) = Polygon::new((0..corners).map(|_| corner(stream)).collect()) {
            return polygon;
        }
    }
}

/// A comb with so many teeth, wide and high ones, pointing up or (mirrored) to the right.
fn comb(teeth: u32, width: u32, height: u32, upright: bool) -> Polygon {
    let mut corners = vec![];
    for tooth in 0..teeth {
        corners.extend([
            (2 * tooth * width, 1),
            (2 * tooth * width, height),
            (2 * tooth * width + width, height),
            (2 * tooth * width + width, 1),
        ]);
    }
    corners.extend([(2 * teeth * width, 1), (2 * teeth * width, 0), (0, 0)]);
    Polygon::new(corners.into_iter().map(|(x, y)| if upright { (x, y) } else { (y, x) }).collect()).unwrap()
}

#[test]
fn areas_and_intersections_are_those_of_counted_pixels() {
    let mut stream = Stream::new(71);
    let side = 20;
    let mut concave = 0;
    for _ in 0..1_500 {
        let (a, b) = (random_polygon(&mut stream, side), random_polygon(&mut stream, side));
        let (of_a, of_b) = (pixels_of(&a, side as u32), pixels_of(&b, side as u32));
        assert_eq!(a.area(), of_a.len() as u64, "{a:?}");
        let shared = of_a.intersection(&of_b).count() as u64;
        assert_eq!(a.shared(&b), Ok(shared), "{a:?} {b:?}");
        assert_eq!(b.shared(&a), Ok(shared));
        assert_eq!(a.shared(&a), Ok(a.area()));
        let next = |place: usize| a.corners()[place % a.corners().len()];
        let turns = |place: usize| {
            let [(ax, ay), (bx, by), (cx, cy)] = [next(place), next(place + 1), next(place + 2)].map(|(x, y)| (i64::from(x), i64::from(y)));
            (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        };
        concave += usize::from((0..a.corners().len()).any(|place| turns(place) < 0));
    }
    assert!(concave > 400, "{concave} are concave");
}

#[test]
fn combs_cross_in_every_pair_of_teeth() {
    let (up, right) = (comb(6, 2, 24, true), comb(6, 2, 24, false));
    let shared = pixels_of(&up, 24).intersection(&pixels_of(&right, 24)).count() as u64;
    assert!(shared >= 6 * 6 * 4);
    assert_eq!(up.shared(&right), Ok(shared));
    // The largest comb: 63 teeth are 255 corners.
    let (up, right) = (comb(63, 60_000, 7_560_000, true), comb(63, 60_000, 7_560_000, false));
    assert_eq!(up.corners().len(), 63 * 4 + 2);
    // Teeth cross in squares; the backs, one pixel thick, share what lies between the other's teeth, too.
    let teeth = 63u64 * 60_000;
    assert_eq!(up.area(), 7_560_000 + teeth * 7_559_999);
    let expected = teeth * teeth + 2 * teeth;
    assert_eq!(up.shared(&right).unwrap(), expected);
}

#[test]
fn saws_of_the_largest_polygons_are_compared_and_priced() {
    // Saws whose edges span all columns.
    let saw = |first: u32| {
        let tooth = |place: u32| (if place.is_multiple_of(2) { 1 } else { MAX_COORDINATE }, first + place * 60_001);
        Draft::polygons(vec![(0, (0..254).map(tooth).chain([(0, first + 254 * 60_001), (0, first)]).collect())]).unwrap()
    };
    let (a, b) = (saw(0), saw(30_001));
    assert!(agreement(&a, &b).unwrap() < Ratio::new(1, 1));
    // 15 ms on one core of a server, 10 ns a visit.
    assert_eq!(cost(&a, &b), 256 * 256 * 24 + 9);
}

#[test]
fn polygons_of_boxes_are_boxes_up_to_the_largest() {
    let mut stream = Stream::new(72);
    for _ in 0..500 {
        let mut rect = || {
            let corner = |stream: &mut Stream| stream.below(u64::from(MAX_COORDINATE) + 1) as u32;
            let [a, b, c, d] = [0; 4].map(|_| corner(&mut stream));
            Rect::new(a.min(c), b.min(d), a.max(c).max(a.min(c) + 1), b.max(d).max(b.min(d) + 1)).unwrap()
        };
        let (one, other) = (rect(), rect());
        let polygon = |rect: &Rect| {
            let [x0, y0, x1, y1] = rect.corners();
            Polygon::new(vec![(x0, y1), (x0, y0), (x1, y0), (x1, y1)]).unwrap()
        };
        assert_eq!(polygon(&one).area(), one.area());
        assert_eq!(polygon(&one).shared(&polygon(&other)), Ok(one.shared(&other)));
        assert_eq!(one.shared(&other), other.shared(&one));
    }
    let whole = Rect::new(0, 0, MAX_COORDINATE, MAX_COORDINATE).unwrap();
    assert_eq!(whole.area(), 1 << 48);
    // The lower half of the largest box, by its diagonal: the centres on it belong to the triangle above.
    let below = Polygon::new(vec![(0, 0), (MAX_COORDINATE, 0), (MAX_COORDINATE, MAX_COORDINATE)]).unwrap();
    let above = Polygon::new(vec![(0, 0), (0, MAX_COORDINATE), (MAX_COORDINATE, MAX_COORDINATE)]).unwrap();
    assert_eq!((below.area(), above.area()), ((1 << 47) - (1 << 23), (1 << 47) + (1 << 23)));
    assert_eq!(below.shared(&above), Ok(0));
}

#[test]
fn a_polygon_cut_in_two_has_the_pixels_of_both_parts() {
    let mut stream = Stream::new(73);
    let quarter = |stream: &mut Stream| 1 + stream.below(1 << 22) as u32;
    for _ in 0..300 {
        // A convex one, cut from its first corner to its third.
        let (m, n) = (MAX_COORDINATE / 2, MAX_COORDINATE / 2);
        let corners = [
            (m - quarter(&mut stream), n - quarter(&mut stream)),
            (m + quarter(&mut stream), n - quarter(&mut stream)),
            (m + quarter(&mut stream), n + quarter(&mut stream)),
            (m - quarter(&mut stream), n + quarter(&mut stream)),
        ];
        let (Ok(whole), [a, b, c, d]) = (Polygon::new(corners.to_vec()), corners) else { continue };
        let (one, other) = (Polygon::new(vec![a, b, c]).unwrap(), Polygon::new(vec![a, c, d]).unwrap());
        if one.area() + other.area() == whole.area() {
            assert_eq!(one.shared(&other), Ok(0));
            assert_eq!((whole.shared(&one), whole.shared(&other)), (Ok(one.area()), Ok(other.area())));
        } else {
            // The cut runs outside of a concave one: one triangle holds the other and the whole.
            assert_eq!(whole.area(), one.area().abs_diff(other.area()));
            assert_eq!(one.shared(&other), Ok(one.area().min(other.area())));
        }
    }
}

#[test]
fn every_way_to_write_a_polygon_gives_the_same_bytes() {
    let mut stream = Stream::new(74);
    for _ in 0..300 {
        let polygon = random_polygon(&mut stream, 30);
        let draft = Draft::polygons(vec![(3, polygon.corners().to_vec())]).unwrap();
        let mut corners = polygon.corners().to_vec();
        let start = stream.below(corners.len() as u64) as usize;
        corners.rotate_left(start);
        if stream.below(2) == 1 {
            corners.reverse();
        }
        // Twice as large, so that a vertex lies straight between two corners; the first corner once more at the end.
        let double: Vec<Point> = corners.iter().map(|&(x, y)| (2 * x, 2 * y)).collect();
        let (first, second) = (corners[0], corners[1]);
        let mut longer = double.clone();
        longer.insert(1, (first.0 + second.0, first.1 + second.1));
        longer.push(longer[0]);
        assert_eq!(Draft::polygons(vec![(3, corners)]).unwrap().encode(), draft.encode());
        assert_eq!(Polygon::new(longer), Polygon::new(double));
        assert_eq!(Draft::decode(DraftKind::Polygons, &draft.encode()), Ok(draft));
    }
}

#[test]
fn polygons_that_cannot_be_are_refused() {
    let refused = |corners: &[Point]| Polygon::new(corners.to_vec()).unwrap_err();
    assert_eq!(refused(&[]), DraftError::Corners { found: 0 });
    assert_eq!(refused(&[(1, 1), (1, 1)]), DraftError::Corners { found: 0 });
    assert_eq!(refused(&[(0, 0), (4, 4)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (2, 2), (4, 4)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (4, 4), (4, 0), (0, 4)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (8, 0), (8, 8), (4, 0), (0, 8)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (8, 0), (8, 8), (8, 12), (8, 8), (0, 8)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (4, 0), (4, 4), (2, 2), (6, 2), (6, 6), (0, 6)]), DraftError::NotSimple);
    assert_eq!(refused(&[(0, 0), (1, 0), (0, 1), (0, 0)]), DraftError::Nothing, "its edge passes the centre");
    assert_eq!(refused(&[(0, 0), (MAX_COORDINATE + 1, 0), (0, 5)]), DraftError::Coordinate { found: MAX_COORDINATE + 1 });
    assert_eq!(refused(&[(0, 0); 257]), DraftError::TooMany { what: "vertices", found: 257, most: 256 });
    assert!(Polygon::new(vec![(0, 0), (2, 0), (0, 1)]).is_ok());
}

fn rect(x0: u32, y0: u32, x1: u32, y1: u32) -> Rect {
    Rect::new(x0, y0, x1, y1).unwrap()
}

fn boxes(boxes: &[(u16, Rect)]) -> Draft {
    Draft::boxes(boxes.to_vec()).unwrap()
}

#[test]
fn single_boxes_agree_by_intersection_over_union_to_the_last_pixel() {
    let (a, b) = (boxes(&[(0, rect(0, 0, 10, 10))]), boxes(&[(0, rect(0, 0, 10, 7))]));
    assert_eq!(agreement(&a, &b), Ok(Ratio::new(7, 10)));
    assert_eq!((agrees(&a, &b, 7_000), agrees(&a, &b, 7_001), agrees(&a, &a, 10_000)), (Ok(true), Ok(false), Ok(true)));
    let far = boxes(&[(0, rect(10, 0, 20, 10))]);
    assert_eq!((agreement(&a, &far), agrees(&a, &far, 0)), (Ok(Ratio::new(0, 1)), Ok(true)));
    let class = boxes(&[(1, rect(0, 0, 10, 10))]);
    assert_eq!(agreement(&a, &class), Ok(Ratio::new(0, 1)), "another class is another thing");
    assert_eq!(agrees(&a, &b, 10_001), Err(DraftError::Threshold { found: 10_001 }));
    let large = boxes(&[(0, rect(0, 0, MAX_COORDINATE, MAX_COORDINATE))]);
    let less = boxes(&[(0, rect(0, 0, MAX_COORDINATE, MAX_COORDINATE - 1))]);
    assert!(agrees(&large, &less, 9_999).unwrap() && !agrees(&large, &less, 10_000).unwrap());
}

#[test]
fn empty_drafts_agree_with_each_other_and_with_nothing_else() {
    let (empty, one) = (boxes(&[]), boxes(&[(0, rect(0, 0, 1, 1))]));
    assert_eq!(agreement(&empty, &empty), Ok(Ratio::new(1, 1)));
    assert_eq!(agreement(&empty, &one), Ok(Ratio::new(0, 1)));
    assert_eq!(agreement(&empty, &Draft::spans(vec![]).unwrap()), Err(DraftError::OtherKind));
    assert_eq!((empty.largest_class(), one.largest_class()), (None, Some(0)));
}

#[test]
fn several_shapes_are_matched_from_the_best_pair_on() {
    let a = boxes(&[(0, rect(0, 0, 10, 10)), (0, rect(20, 0, 30, 10)), (1, rect(50, 50, 60, 60))]);
    // 9/10 with the first; the second has none; 1 with the third.
    let b = boxes(&[(0, rect(0, 0, 10, 9)), (1, rect(50, 50, 60, 60))]);
    // 2 * (9/10 + 1) / 5
    assert_eq!(agreement(&a, &b), Ok(Ratio::new(19, 25)));
    // One box of b would overlap both of a: only the better pair counts.
    let wide = boxes(&[(0, rect(0, 0, 30, 10))]);
    assert_eq!(agreement(&a, &wide), Ok(Ratio::new(2, 3 * 4)));
}

#[test]
fn agreement_is_symmetric_and_whole_only_for_equal_drafts() {
    let mut stream = Stream::new(75);
    let mut random = |kind: u64| {
        let count = stream.below(6);
        let mut number = |most: u64| stream.below(most) as u32;
        match kind {
            0 => {
                let mut rect = || (number(2) as u16, Rect::new(number(5), number(5), 5 + number(5), 5 + number(5)).unwrap());
                Draft::boxes((0..count).map(|_| rect()).collect())
            }
            1 => Draft::polygons(
                (0..count)
                    .map(|_| (number(2) as u16, random_polygon(&mut Stream::new(number(1 << 30).into()), 9).corners().to_vec()))
                    .collect(),
            ),
            _ => Draft::spans((0..count).map(|_| Span::new(number(8), 8 + number(8), number(2) as u16).unwrap()).collect()),
        }
    };
    let mut pairs = 0;
    for round in 0..3_000 {
        let (Ok(a), Ok(b)) = (random(round % 3), random(round % 3)) else { continue };
        pairs += 1;
        let score = agreement(&a, &b).unwrap();
        assert_eq!(score, agreement(&b, &a).unwrap());
        assert_eq!(score == Ratio::new(1, 1), a == b, "{a:?} {b:?}");
        assert!(score <= Ratio::new(1, 1) && cost(&a, &b) > 0);
        assert_eq!(Draft::decode(a.kind(), &a.encode()), Ok(a));
    }
    assert!(pairs > 1_500);
}

#[test]
fn spans_agree_by_characters_and_by_exact_matches() {
    let spans = |spans: &[(u32, u32, u16)]| Draft::spans(spans.iter().map(|&(s, e, l)| Span::new(s, e, l).unwrap()).collect()).unwrap();
    let a = spans(&[(0, 10, 1), (20, 25, 2), (30, 40, 1)]);
    let b = spans(&[(0, 10, 1), (20, 24, 2), (30, 40, 3)]);
    // 1 + 4/5 + 0, twice, of six; one of three is exact.
    assert_eq!((agreement(&a, &b), span_f1(&a, &b)), (Ok(Ratio::new(3, 5)), Ok(Ratio::new(1, 3))));
    assert_eq!(span_f1(&spans(&[]), &spans(&[])), Ok(Ratio::new(1, 1)));
    assert_eq!(span_f1(&boxes(&[]), &spans(&[])), Err(DraftError::OtherKind));
    assert_eq!(Span::new(5, 5, 0), Err(DraftError::Nothing));
    let longest = spans(&[(0, u32::MAX, 0)]);
    assert_eq!(agreement(&longest, &longest), Ok(Ratio::new(1, 1)));
}

#[test]
fn the_medoid_agrees_most_and_the_first_of_equals_is_taken() {
    let draft = |top: u32| boxes(&[(0, rect(0, 0, 10, top))]);
    assert_eq!(medoid(&[draft(10), draft(8), draft(9), draft(2)]), Ok(Some(2)), "8: 8/10 + 8/9 + 2/8; 9: 9/10 + 8/9 + 2/9");
    assert_eq!(medoid(&[draft(10), draft(9), draft(10), draft(3)]), Ok(Some(0)));
    assert_eq!((medoid(&[]), medoid(&[draft(4)]), medoid(&[draft(4), draft(9)])), (Ok(None), Ok(Some(0)), Ok(Some(0))));
    assert_eq!(medoid(&[draft(4), Draft::spans(vec![]).unwrap()]), Err(DraftError::OtherKind));
    assert_eq!(medoid(&vec![draft(4); 65]), Err(DraftError::TooMany { what: "drafts", found: 65, most: 64 }));
}

#[test]
fn hostile_bytes_are_refused_and_what_is_taken_is_canonical() {
    let draft = boxes(&[(0, rect(0, 0, 4, 4)), (7, rect(1, 2, 3, 4))]);
    let bytes = draft.encode();
    assert_eq!(bytes.len(), 4 + 2 * 18);
    let decode = |bytes: &[u8]| Draft::decode(DraftKind::Boxes, bytes);
    assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_err()));
    assert_eq!(decode(&[&bytes[..], &[0]].concat()), Err(DraftError::Damaged { reason: "it goes on after its end" }));
    assert_eq!(Draft::decode(DraftKind::Spans, &bytes), Err(DraftError::OtherKind));
    assert_eq!(decode(&[2]), Err(DraftError::Damaged { reason: "unknown version" }));
    assert_eq!(decode(&[0; MAX_DRAFT_BYTES + 1]), Err(DraftError::TooMany { what: "bytes", found: 8_193, most: 8_192 }));
    assert_eq!(decode(&[1, 1, 1, 1]), Err(DraftError::TooMany { what: "shapes", found: 257, most: 256 }));
    let swapped = [&bytes[..4], &bytes[22..], &bytes[4..22]].concat();
    assert_eq!(decode(&swapped), Err(DraftError::NotCanonical));
    let twice = [&bytes[..4], &bytes[4..22], &bytes[4..22]].concat();
    assert_eq!(decode(&twice), Err(DraftError::Repeated));
    let many = [&[1, 2, 0, 2][..], &[0, 0, 1, 255], &[0; 511 * 8], &[0, 0, 0, 2]].concat();
    let refused = DraftError::TooMany { what: "vertices", found: 513, most: 512 };
    assert_eq!(Draft::decode(DraftKind::Polygons, &many), Err(refused));
    // Any change of a byte gives another draft or none.
    let mut stream = Stream::new(76);
    let polygons = Draft::polygons((0..4).map(|class| (class, random_polygon(&mut stream, 40).corners().to_vec())).collect()).unwrap();
    for (kind, draft) in [(DraftKind::Boxes, draft), (DraftKind::Polygons, polygons)] {
        let bytes = draft.encode();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[place] ^= 1 << bit;
                if let Ok(found) = Draft::decode(kind, &other) {
                    assert!(found != draft && found.encode() == other);
                }
            }
        }
    }
    for _ in 0..20_000 {
        let length = stream.below(60) as usize;
        let mut noise: Vec<u8> = (0..length).map(|_| stream.below(4) as u8).collect();
        noise.splice(0..length.min(2), [1, 2].into_iter().take(length));
        if let Ok(found) = Draft::decode(DraftKind::Polygons, &noise) {
            assert_eq!(found.encode(), noise);
        }
    }
}
