//! Powers whose secrets somebody knows: to practise a ceremony with, and for tests. Keys that come of them can be forged by whoever knows the secrets.
use std::io::Write;

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::{BigInteger, Field, PrimeField};

use super::{CeremonyError, Powers};

impl Powers {
    /// `2^power` powers of these numbers.
    #[must_use]
    pub fn known(power: u32, tau: Fr, alpha: Fr, beta: Fr) -> Self {
        let size = 1usize << power;
        let powers: Vec<Fr> = std::iter::successors(Some(Fr::ONE), |last| Some(*last * tau)).take(2 * size - 1).collect();
        let table = BatchMulPreprocessing::new(G1Affine::generator().into_group(), powers.len());
        let in_g1 = |factor: Fr, count: usize| table.batch_mul(&powers[..count].iter().map(|power| *power * factor).collect::<Vec<_>>());
        Self {
            tau_g1: in_g1(Fr::ONE, 2 * size - 1),
            tau_g2: BatchMulPreprocessing::new(G2Affine::generator().into_group(), size).batch_mul(&powers[..size]),
            alpha: in_g1(alpha, size),
            beta: in_g1(beta, size),
            beta_g2: (G2Affine::generator() * beta).into_affine(),
        }
    }

    /// Writes them as a `.ptau` file without contributions.
    ///
    /// # Errors
    /// [`CeremonyError::Io`]; [`CeremonyError::Powers`] for a point at infinity.
    pub fn write(&self, file: &mut impl Write) -> Result<(), CeremonyError> {
        let power = self.size().ilog2().to_le_bytes();
        let header = [&32u32.to_le_bytes()[..], &Fq::MODULUS.to_bytes_le(), &power, &power].concat();
        let all = |row: &[G1Affine]| row.iter().map(g1).collect::<Result<Vec<_>, _>>().map(|row| row.concat());
        let bodies = [
            (1u32, header),
            (2, all(&self.tau_g1)?),
            (3, self.tau_g2.iter().map(g2).collect::<Result<Vec<_>, _>>()?.concat()),
            (4, all(&self.alpha)?),
            (5, all(&self.beta)?),
            (6, g2(&self.beta_g2)?),
            (7, vec![0; 4]),
        ];
        file.write_all(&[&b"ptau"[..], &1u32.to_le_bytes(), &(bodies.len() as u32).to_le_bytes()].concat())?;
        for (kind, body) in bodies {
            file.write_all(&[&kind.to_le_bytes()[..], &(body.len() as u64).to_le_bytes(), &body].concat())?;
        }
        Ok(())
    }
}

/// Limbs of a coordinate in Montgomery form.
fn coordinate(value: &Fq) -> Vec<u8> {
    value.0.0.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

fn g1(point: &G1Affine) -> Result<Vec<u8>, CeremonyError> {
    let (x, y) = point.xy().ok_or(CeremonyError::Powers("a point at infinity"))?;
    Ok([x, y].iter().flat_map(coordinate).collect())
}

fn g2(point: &G2Affine) -> Result<Vec<u8>, CeremonyError> {
    let (x, y) = point.xy().ok_or(CeremonyError::Powers("a point at infinity"))?;
    Ok([x.c0, x.c1, y.c0, y.c1].iter().flat_map(coordinate).collect())
}
