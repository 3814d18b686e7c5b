//! Draws: the stream to the byte, its bounds, and that nobody is favoured.
use sha2::{Digest, Sha256};

use crate::{Draw, Error};

#[test]
fn stream_is_as_specified() {
    let seed = [7; 32];
    let number = |counter: u32| {
        let input = [b"cairn.draw.v1\0\0\0".as_slice(), &seed, &[3], &5_u64.to_be_bytes(), &counter.to_be_bytes()].concat();
        u64::from_be_bytes(Sha256::digest(input)[..8].try_into().unwrap())
    };
    let mut draw = Draw::new(&seed, 3, 5);
    for counter in 0..20 {
        assert_eq!(draw.below(1 << 63).unwrap(), number(counter) % (1 << 63));
    }
}

#[test]
fn numbers_above_the_last_full_multiple_are_passed_over() {
    // floor(2^64 / n) * n = n for n just above 2^63: about half of the stream is passed over.
    let (seed, bound) = ([9; 32], (1_u64 << 63) + 1);
    let mut all = Draw::new(&seed, 0, 0);
    let stream: Vec<u64> = (0..100).map(|_| all.next().unwrap()).collect();
    let expected: Vec<u64> = stream.iter().copied().filter(|n| *n < bound).collect();
    assert!((30..70).contains(&expected.len()));
    let mut draw = Draw::new(&seed, 0, 0);
    let drawn: Vec<u64> = expected.iter().map(|_| draw.below(bound).unwrap()).collect();
    assert_eq!(drawn, expected);
}

#[test]
fn bounds_of_bounds() {
    let mut draw = Draw::new(&[0; 32], 0, 0);
    assert_eq!(draw.below(0), Err(Error::NoCandidates));
    assert_eq!(draw.below(1), Ok(0));
    assert!(draw.below(2).unwrap() < 2);
    assert!(draw.below(u64::MAX).unwrap() < u64::MAX);
}

#[test]
fn purposes_objects_and_seeds_have_streams_of_their_own() {
    let first = |seed: u8, purpose, id| Draw::new(&[seed; 32], purpose, id).below(u64::MAX).unwrap();
    let streams = [first(1, 1, 1), first(2, 1, 1), first(1, 2, 1), first(1, 1, 2), first(1, 1, 1 << 32)];
    for (i, a) in streams.iter().enumerate() {
        assert!(streams[i + 1..].iter().all(|b| a != b));
    }
}

#[test]
fn nobody_is_favoured() {
    // 70,000 draws from 7: 10,000 each, standard deviation 93.
    let mut counts = [0_u32; 7];
    let mut draw = Draw::new(&[42; 32], 1, 1);
    for _ in 0..70_000 {
        counts[draw.below(7).unwrap() as usize] += 1;
    }
    assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
}
