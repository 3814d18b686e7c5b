//! Powers of tau, from the `.ptau` files of public ceremonies.
//!
//! The format (snarkjs): `"ptau"`, u32 version 1, u32 sections; each section is u32 type, u64 length, bytes; everything little
//! endian, coordinates in Montgomery form. Of the sections 1 (header: u32 32, modulus, u32 power, u32 power of the ceremony), 2
//! (tau^i in G1, 2^(power + 1) - 1 of them), 3 (in G2, 2^power), 4 and 5 (alpha tau^i, beta tau^i in G1) and 6 (beta in G2) are read.
use std::io::{Read, Seek, SeekFrom};

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{BigInt, BigInteger, PrimeField};

use super::CeremonyError;
use crate::Random;

/// The most powers that are read: 2^24 would be two gigabytes.
const MAX_POWER: u32 = 22;
const MAX_SECTIONS: u32 = 64;

/// Powers of a number that nobody knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Powers {
    /// `tau^i` in G1, `2 size - 1` of them.
    pub(crate) tau_g1: Vec<G1Affine>,
    /// `tau^i` in G2.
    pub(crate) tau_g2: Vec<G2Affine>,
    /// `alpha tau^i` in G1.
    pub(crate) alpha: Vec<G1Affine>,
    /// `beta tau^i` in G1.
    pub(crate) beta: Vec<G1Affine>,
    /// `beta` in G2.
    pub(crate) beta_g2: G2Affine,
}

impl Powers {
    /// How many powers there are in G2.
    #[must_use]
    pub fn size(&self) -> usize {
        self.tau_g2.len()
    }

    /// Reads as many powers as `size` needs, and checks that they are points of their groups and powers of one number.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn read(file: &mut (impl Read + Seek), size: usize, random: &mut dyn Random) -> Result<Self, CeremonyError> {
        let sections = Sections::read(file)?;
        let power = sections.power(file)?;
        let needed = size.next_power_of_two().ilog2();
        if needed > power {
            return Err(CeremonyError::TooFew { needed, got: power });
        }
        let size = 1usize << needed;
        let whole = 1u64 << power;
        let powers = Self {
            tau_g1: sections.points(file, 2, 2 * whole - 1, 2 * size - 1, g1)?,
            tau_g2: sections.points(file, 3, whole, size, g2)?,
            alpha: sections.points(file, 4, whole, size, g1)?,
            beta: sections.points(file, 5, whole, size, g1)?,
            beta_g2: sections.points(file, 6, 1, 1, g2)?.swap_remove(0),
        };
        powers.verify(random)?;
        Ok(powers)
    }

    /// Each row is the one before times tau, and begins as it should.
    pub(crate) fn verify(&self, random: &mut dyn Random) -> Result<(), CeremonyError> {
        let (one, one_g2) = (G1Affine::generator(), G2Affine::generator());
        let tau_g2 = *self.tau_g2.get(1).ok_or(CeremonyError::Powers("there are less than two"))?;
        if self.tau_g1[0] != one || self.tau_g2[0] != one_g2 {
            return Err(CeremonyError::Powers("they do not begin with the generators"));
        }
        if self.tau_g1[1].is_zero() || self.alpha[0].is_zero() || self.beta_g2.is_zero() {
            return Err(CeremonyError::Powers("a secret is zero"));
        }
        for (row, name) in [(&self.tau_g1, "tau in G1"), (&self.alpha, "alpha"), (&self.beta, "beta")] {
            let (before, after) = ends(row, random, |points, factors| G1Projective::msm_unchecked(points, factors).into_affine());
            if Bn254::pairing(after, one_g2) != Bn254::pairing(before, tau_g2) {
                return Err(CeremonyError::Powers(name));
            }
        }
        let (before, after) = ends(&self.tau_g2, random, |points, factors| G2Projective::msm_unchecked(points, factors).into_affine());
        if Bn254::pairing(one, after) != Bn254::pairing(self.tau_g1[1], before) {
            return Err(CeremonyError::Powers("tau in G2"));
        }
        if Bn254::pairing(self.beta[0], one_g2) != Bn254::pairing(one, self.beta_g2) {
            return Err(CeremonyError::Powers("beta in G2"));
        }
        Ok(())
    }
}

/// The same random combination of all but the last and of all but the first.
fn ends<P>(points: &[P], random: &mut dyn Random, sum: impl Fn(&[P], &[Fr]) -> P) -> (P, P) {
    let factors: Vec<Fr> = (1..points.len()).map(|_| coefficient(random)).collect();
    (sum(&points[..factors.len()], &factors), sum(&points[1..], &factors))
}

/// 128 random bits.
pub(crate) fn coefficient(random: &mut dyn Random) -> Fr {
    Fr::from((u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()))
}

/// Where the sections of a file lie: type, first byte, length.
struct Sections(Vec<(u32, u64, u64)>);

impl Sections {
    fn read(file: &mut (impl Read + Seek)) -> Result<Self, CeremonyError> {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        if &bytes::<4>(file)? != b"ptau" || u32::from_le_bytes(bytes(file)?) != 1 {
            return Err(CeremonyError::Format("it is no .ptau file of version 1"));
        }
        let count = u32::from_le_bytes(bytes(file)?);
        if count > MAX_SECTIONS {
            return Err(CeremonyError::Format("it has more sections than there are kinds"));
        }
        let mut sections = Vec::new();
        let mut at = 12u64;
        for _ in 0..count {
            file.seek(SeekFrom::Start(at))?;
            let (kind, length) = (u32::from_le_bytes(bytes(file)?), u64::from_le_bytes(bytes(file)?));
            at = at.checked_add(12).ok_or(CeremonyError::Format("a section is too long"))?;
            sections.push((kind, at, length));
            at = at.checked_add(length).filter(|at| *at <= end).ok_or(CeremonyError::Format("a section ends behind the file"))?;
        }
        Ok(Self(sections))
    }

    fn find(&self, kind: u32) -> Result<(u64, u64), CeremonyError> {
        let found = self.0.iter().find(|section| section.0 == kind);
        found.map(|(_, at, length)| (*at, *length)).ok_or(CeremonyError::Format("a section is missing"))
    }

    fn power(&self, file: &mut (impl Read + Seek)) -> Result<u32, CeremonyError> {
        let (at, length) = self.find(1)?;
        file.seek(SeekFrom::Start(at))?;
        if length != 44 || u32::from_le_bytes(bytes(file)?) != 32 || bytes::<32>(file)?[..] != Fq::MODULUS.to_bytes_le()[..] {
            return Err(CeremonyError::Format("it is not over the base field of BN254"));
        }
        let power = u32::from_le_bytes(bytes(file)?);
        if (1..=MAX_POWER).contains(&power) { Ok(power) } else { Err(CeremonyError::Format("it has too many powers, or none")) }
    }

    /// The first `wanted` of the `whole` points of a section.
    fn points<P>(
        &self,
        file: &mut (impl Read + Seek),
        kind: u32,
        whole: u64,
        wanted: usize,
        read: impl Fn(&mut dyn Read) -> Result<P, CeremonyError>,
    ) -> Result<Vec<P>, CeremonyError> {
        let (at, length) = self.find(kind)?;
        let one = if matches!(kind, 3 | 6) { 128 } else { 64 };
        if length != whole * one {
            return Err(CeremonyError::Format("a section has another length than its powers need"));
        }
        file.seek(SeekFrom::Start(at))?;
        let mut buffered = std::io::BufReader::new(file);
        (0..wanted).map(|_| read(&mut buffered)).collect()
    }
}

fn bytes<const N: usize>(file: &mut (impl Read + ?Sized)) -> Result<[u8; N], CeremonyError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A coordinate in Montgomery form.
fn coordinate(file: &mut dyn Read) -> Result<Fq, CeremonyError> {
    let mut limbs = [0; 4];
    for limb in &mut limbs {
        *limb = u64::from_le_bytes(bytes(file)?);
    }
    let montgomery = BigInt::<4>(limbs);
    if montgomery >= Fq::MODULUS {
        return Err(CeremonyError::Format("a coordinate is not below the modulus"));
    }
    Ok(Fq::new_unchecked(montgomery))
}

fn g1(file: &mut dyn Read) -> Result<G1Affine, CeremonyError> {
    let point = G1Affine::new_unchecked(coordinate(file)?, coordinate(file)?);
    if point.is_on_curve() { Ok(point) } else { Err(CeremonyError::Format("a point is not on the curve")) }
}

fn g2(file: &mut dyn Read) -> Result<G2Affine, CeremonyError> {
    let x = Fq2::new(coordinate(file)?, coordinate(file)?);
    let point = G2Affine::new_unchecked(x, Fq2::new(coordinate(file)?, coordinate(file)?));
    let is_good = point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve();
    if is_good { Ok(point) } else { Err(CeremonyError::Format("a point is not in its group")) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::tests::random;

    fn secrets() -> Powers {
        Powers::known(3, Fr::from(5u64), Fr::from(7u64), Fr::from(11u64))
    }

    fn write(powers: &Powers) -> Vec<u8> {
        let mut file = Vec::new();
        powers.write(&mut file).expect("a file");
        file
    }

    fn read(file: Vec<u8>, size: usize) -> Result<Powers, CeremonyError> {
        Powers::read(&mut Cursor::new(file), size, &mut random(1))
    }

    #[test]
    fn files_are_read_whole_or_in_part() {
        let powers = secrets();
        assert_eq!(read(write(&powers), 8).expect("a file"), powers);
        let part = read(write(&powers), 3).expect("a part");
        assert_eq!((part.size(), part.tau_g1.len()), (4, 7));
        assert!(matches!(read(write(&powers), 9), Err(CeremonyError::TooFew { needed: 4, got: 3 })));
    }

    #[test]
    fn powers_of_different_numbers_are_refused() {
        let other = Powers::known(3, Fr::from(6u64), Fr::from(8u64), Fr::from(12u64));
        let changes: [fn(&mut Powers, &Powers); 9] = [
            |p, o| p.tau_g1[3] = o.tau_g1[3],
            |p, o| p.tau_g1[14] = o.tau_g1[14],
            |p, o| p.tau_g2[7] = o.tau_g2[7],
            |p, o| p.alpha[2] = o.alpha[2],
            |p, o| p.beta[7] = o.beta[7],
            |p, o| p.beta = o.beta.clone(),
            |p, o| p.beta_g2 = o.beta_g2,
            |p, _| p.tau_g1[0] = p.tau_g1[1],
            |p, o| p.tau_g2 = o.tau_g2.clone(),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut powers = secrets();
            change(&mut powers, &other);
            assert!(matches!(read(write(&powers), 8), Err(CeremonyError::Powers(_))), "{number}");
        }
        assert!(
            Powers::known(3, Fr::from(5u64), Fr::from(9u64), Fr::from(11u64)).verify(&mut random(2)).is_ok(),
            "another alpha is as good"
        );
    }

    #[test]
    fn files_that_lie_about_their_lengths_are_refused() {
        let good = write(&secrets());
        for length in [0, 3, 11, 12, 30, 100, good.len() / 2] {
            assert!(read(good[..length].to_vec(), 8).is_err(), "{length}");
        }
        for at in [0, 4, 8, 12, 16, 20, 24, 30, 60, 75, 76] {
            let mut changed = good.clone();
            changed[at] ^= 0x81;
            assert!(read(changed, 8).is_err(), "{at}");
        }
        for at in (200..good.len() - 40).step_by(191) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert!(read(changed, 8).is_err(), "{at}");
        }
    }
}
