//! A rank-1 constraint system that is built in one of two ways by the same code: its shape, once per circuit, with every linear
//! combination; or a witness, once per proof, with values alone.
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_relations::{
    gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Variable},
    utils::matrix::Matrix,
};

/// A linear combination: coefficients of variables. Variable 0 is the constant one, 1 the public input, the others are witnesses.
pub(crate) type Terms = Vec<(Fr, usize)>;
/// The constant one.
pub(crate) const ONE: usize = 0;
/// Variables that are not witnesses: the constant one and the statement.
pub(crate) const INSTANCE: usize = 2;

/// A value of the circuit with its linear combination, which stays empty while a witness is made.
#[derive(Debug, Clone)]
pub(crate) struct Num {
    pub(crate) value: Fr,
    pub(crate) terms: Terms,
}

impl Num {
    /// Adds another one.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.value += other.value;
        self.terms.extend_from_slice(&other.terms);
        self
    }

    /// Times a constant.
    pub(crate) fn times(mut self, factor: Fr) -> Self {
        self.value *= factor;
        self.terms.iter_mut().for_each(|(coefficient, _)| *coefficient *= factor);
        self
    }

    /// Less another one.
    pub(crate) fn minus(self, other: &Self) -> Self {
        self.plus(&other.clone().times(-Fr::ONE))
    }
}

/// A constraint: `a * b = c`.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) a: Terms,
    pub(crate) b: Terms,
    pub(crate) c: Terms,
}

/// The system: values of all variables, and the constraints where it is the shape that is built.
#[derive(Debug)]
pub(crate) struct Cs {
    pub(crate) values: Vec<Fr>,
    rows: Option<Vec<Row>>,
    /// Tests let the bits of one decomposition be those of another number.
    #[cfg(test)]
    pub(crate) lie: Lie,
}

/// Which decomposition is falsified, and how many there were.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Lie {
    pub(crate) about: Option<usize>,
    pub(crate) met: usize,
}

impl Cs {
    /// Builds values and constraints.
    pub(crate) fn shape() -> Self {
        Self { rows: Some(Vec::new()), ..Self::witness() }
    }

    /// Builds values alone.
    pub(crate) fn witness() -> Self {
        Self {
            values: vec![Fr::ONE, Fr::ZERO],
            rows: None,
            #[cfg(test)]
            lie: Lie::default(),
        }
    }

    /// Whether constraints are built.
    pub(crate) fn is_shape(&self) -> bool {
        self.rows.is_some()
    }

    /// A value that is a combination of what is known.
    pub(crate) fn num(&self, value: Fr, terms: impl FnOnce() -> Terms) -> Num {
        Num { value, terms: if self.is_shape() { terms() } else { Terms::new() } }
    }

    /// A constant.
    pub(crate) fn constant(&self, value: Fr) -> Num {
        self.num(value, || vec![(value, ONE)])
    }

    /// Zero.
    pub(crate) fn zero(&self) -> Num {
        Num { value: Fr::ZERO, terms: Terms::new() }
    }

    /// The public input, whose value is set once it is known.
    pub(crate) fn public(&mut self, value: Fr) -> Num {
        self.values[1] = value;
        self.num(value, || vec![(Fr::ONE, 1)])
    }

    /// A new witness.
    pub(crate) fn variable(&mut self, value: Fr) -> Num {
        let number = self.values.len();
        self.values.push(value);
        self.num(value, || vec![(Fr::ONE, number)])
    }

    /// Requires `a * b = c`.
    pub(crate) fn enforce(&mut self, a: &Num, b: &Num, c: &Num) {
        if let Some(rows) = &mut self.rows {
            rows.push(Row { a: merged(&a.terms), b: merged(&b.terms), c: merged(&c.terms) });
        }
    }

    /// Requires `a = b`.
    pub(crate) fn equal(&mut self, a: &Num, b: &Num) {
        let one = self.constant(Fr::ONE);
        self.enforce(a, &one, b);
    }

    /// A new witness that is the product.
    pub(crate) fn product(&mut self, a: &Num, b: &Num) -> Num {
        let product = self.variable(a.value * b.value);
        self.enforce(a, b, &product);
        product
    }

    /// The lowest `count` bits of a value as new witnesses, each required to be 0 or 1, the lowest first.
    pub(crate) fn bits(&mut self, value: Fr, count: usize) -> Vec<Num> {
        let integer = value.into_bigint();
        let mut bit = |number: usize| {
            let bit = self.variable(Fr::from(integer.get_bit(number)));
            let less_one = bit.clone().minus(&self.constant(Fr::ONE));
            let zero = self.zero();
            self.enforce(&bit, &less_one, &zero);
            bit
        };
        (0..count).map(&mut bit).collect()
    }

    /// Bits of a number that is thereby shown to lie in `[0, 2^count)`; `count` is at most 253.
    pub(crate) fn decompose(&mut self, number: &Num, count: usize) -> Vec<Num> {
        let claimed = self.claimed(number.value);
        let bits = self.bits(claimed, count);
        let sum = self.weighted(&bits);
        self.equal(&sum, number);
        bits
    }

    #[cfg(not(test))]
    fn claimed(&self, value: Fr) -> Fr {
        value
    }

    /// The value, or where a test lies about it, the one with the lowest bit flipped.
    #[cfg(test)]
    fn claimed(&mut self, value: Fr) -> Fr {
        self.lie.met += 1;
        if self.lie.about != Some(self.lie.met - 1) {
            return value;
        }
        if value.into_bigint().is_odd() { value - Fr::ONE } else { value + Fr::ONE }
    }

    /// `sum 2^i bit_i`.
    pub(crate) fn weighted(&self, bits: &[Num]) -> Num {
        let mut sum = self.zero();
        let mut weight = Fr::ONE;
        for bit in bits {
            sum.value += bit.value * weight;
            sum.terms.extend(bit.terms.iter().map(|(coefficient, variable)| (*coefficient * weight, *variable)));
            weight.double_in_place();
        }
        sum
    }

    /// The constraints, in the order they were made; none where a witness was built.
    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.rows.unwrap_or_default()
    }
}

/// Terms with each variable once and without zeros.
fn merged(terms: &Terms) -> Terms {
    let mut sorted = terms.clone();
    sorted.sort_unstable_by_key(|(_, variable)| *variable);
    let mut merged: Terms = Vec::with_capacity(sorted.len());
    for (coefficient, variable) in sorted {
        match merged.last_mut() {
            Some((sum, last)) if *last == variable => *sum += coefficient,
            _ => merged.push((coefficient, variable)),
        }
    }
    merged.retain(|(coefficient, _)| *coefficient != Fr::ZERO);
    merged
}

/// The constraints as the three matrices that the prover takes.
pub(crate) fn matrices(rows: Vec<Row>) -> [Matrix<Fr>; 3] {
    let mut matrices = [Matrix::new(), Matrix::new(), Matrix::new()];
    for row in rows {
        for (matrix, terms) in matrices.iter_mut().zip([row.a, row.b, row.c]) {
            matrix.push(terms);
        }
    }
    matrices
}

/// Hands finished constraints to the set-up of the library.
pub(crate) struct Finished<'a> {
    pub(crate) rows: &'a [Row],
    pub(crate) variables: usize,
}

impl ConstraintSynthesizer<Fr> for Finished<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> ark_relations::gr1cs::Result<()> {
        let mut variables = vec![Variable::One, cs.new_input_variable(|| Ok(Fr::ZERO))?];
        for _ in INSTANCE..self.variables {
            variables.push(cs.new_witness_variable(|| Ok(Fr::ZERO))?);
        }
        let combination =
            |terms: &Terms| LinearCombination(terms.iter().map(|(coefficient, number)| (*coefficient, variables[*number])).collect());
        for row in self.rows {
            cs.enforce_r1cs_constraint(|| combination(&row.a), || combination(&row.b), || combination(&row.c))?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Row {
    /// Whether the values satisfy it.
    pub(crate) fn holds(&self, values: &[Fr]) -> bool {
        let of = |terms: &Terms| -> Fr { terms.iter().map(|(coefficient, variable)| *coefficient * values[*variable]).sum() };
        of(&self.a) * of(&self.b) == of(&self.c)
    }
}
