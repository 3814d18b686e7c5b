package main

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/math/bits"
)

func power(exponent int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(exponent)) }

func sum(api frontend.API, terms []frontend.Variable) frontend.Variable {
	switch len(terms) {
	case 0:
		return 0
	case 1:
		return terms[0]
	}
	return api.Add(terms[0], terms[1], terms[2:]...)
}

// inPlaces is the sum of terms, each shifted by so many bits more than the one before.
func inPlaces(api frontend.API, terms []frontend.Variable, bits int) frontend.Variable {
	shifted := make([]frontend.Variable, len(terms))
	for at, term := range terms {
		shifted[at] = api.Mul(term, power(bits*at))
	}
	return sum(api, shifted)
}

// accumulate is W x + b: one multiplication serves all rows of a block, whose sums are then taken apart.
func accumulate(api frontend.API, l *layer, elementBits int, weights [][]frontend.Variable, biases, values []frontend.Variable) []accumulator {
	var sums []accumulator
	half := power(l.Bits - 1)
	for block, columns := range weights {
		rows := min(elementBits/l.Bits, l.Outputs-len(sums))
		terms := []frontend.Variable{biases[block]}
		for column, weight := range columns {
			terms = append(terms, api.Mul(weight, values[column]))
		}
		for row := range rows {
			terms = append(terms, new(big.Int).Lsh(half, uint(l.Bits*row)))
		}
		all := api.ToBinary(sum(api, terms), l.Bits*rows)
		for row := range rows {
			digits := all[row*l.Bits : (row+1)*l.Bits]
			sums = append(sums, accumulator{api.Sub(inPlaces(api, digits, 1), half), digits})
		}
	}
	return sums
}

// requantise divides by 2^shift rounding down and saturates to int8, or with ReLU to 0 .. 127. The highest bit is the sign (1 = not
// negative); the result saturates where a bit between it and the seven that are kept does not differ from its complement.
func requantise(api frontend.API, a *accumulator, l *layer) frontend.Variable {
	last := len(a.bits) - 1
	sign, kept := a.bits[last], a.bits[l.Shift:last]
	places := min(len(kept), 7)
	low := inPlaces(api, kept[:places], 1)
	magnitude := low
	if middle := kept[places:]; len(middle) > 0 {
		negative := api.Sub(1, sign)
		differing := api.Sub(sum(api, middle), api.Mul(negative, len(middle)))
		saturated := api.Sub(1, api.IsZero(differing))
		correction := api.Sub(api.Mul(sign, 127), low)
		magnitude = api.Add(magnitude, api.Mul(saturated, correction))
	}
	if l.Relu {
		return api.Mul(sign, magnitude)
	}
	top := power(places)
	return api.Sub(api.Add(magnitude, api.Mul(sign, top)), top)
}

// argmax is the number of the one flag that is set. Its accumulator is larger than every earlier one and not less than any later one.
func argmax(api frontend.API, sums []accumulator, flags []frontend.Variable) frontend.Variable {
	picked, numbered := make([]frontend.Variable, len(sums)), make([]frontend.Variable, len(sums))
	for number, flag := range flags {
		api.AssertIsBoolean(flag)
		picked[number] = api.Mul(flag, sums[number].value)
		numbered[number] = api.Mul(flag, number)
	}
	api.AssertIsEqual(sum(api, flags), 1)
	largest := sum(api, picked)
	var later frontend.Variable = 0
	for number := len(sums) - 1; number >= 0; number-- {
		margin := api.Sub(largest, sums[number].value, later)
		bits.ToBinary(api, margin, bits.WithNbDigits(len(sums[number].bits)))
		later = api.Add(later, flags[number])
	}
	return sum(api, numbered)
}
