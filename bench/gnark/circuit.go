package main

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/math/bits"
)

// packed is the number of int8 values that share an element of a commitment.
const packed = 31

// circuit says what the circuits of cairn-circuits say, in the same way: weights in slots (constants, or witnesses that are hashed),
// bits of accumulators, requantisation, argmax, and one public input that is the hash of everything.
type circuit struct {
	Statement frontend.Variable `gnark:",public"`
	Context   []frontend.Variable
	// WeightsSalt, Weights and Biases are empty where weights are constants: layer, block, column; layer, block.
	WeightsSalt []frontend.Variable
	Weights     [][][]frontend.Variable
	Biases      [][]frontend.Variable
	Runs        []runOf

	job *job
}

// runOf is one run: the bits of each value + 128, salts, and a flag for each class, set for the answer.
type runOf struct {
	Values           [][]frontend.Variable
	Salt, AnswerSalt frontend.Variable
	Flags            []frontend.Variable
}

// accumulator is a sum of a layer with the bits of sum + 2^(bits - 1).
type accumulator struct {
	value frontend.Variable
	bits  []frontend.Variable
}

// newCircuit gives the circuit of a job with its witness.
func newCircuit(j *job) *circuit {
	c := &circuit{Statement: &j.Statement.Int, job: j}
	for at := range j.Context {
		c.Context = append(c.Context, &j.Context[at].Int)
	}
	if !j.Constant {
		c.WeightsSalt = []frontend.Variable{&j.WeightsSalt.Int}
		c.Weights, c.Biases = j.weights()
	}
	for at := range j.Runs {
		taken := &j.Runs[at]
		one := runOf{Salt: &taken.Salt.Int, AnswerSalt: &taken.AnswerSalt.Int}
		for _, value := range taken.Values {
			one.Values = append(one.Values, bitsOf(value+128))
		}
		one.Flags = flags(taken.Class, j.Layers[len(j.Layers)-1].Outputs)
		c.Runs = append(c.Runs, one)
	}
	return c
}

// bitsOf are the eight bits of a number, the lowest first.
func bitsOf(number int64) []frontend.Variable {
	out := make([]frontend.Variable, 8)
	for at := range out {
		out[at] = number >> at & 1
	}
	return out
}

// flags are as many zeros but for a one in the place that is set.
func flags(set, count int) []frontend.Variable {
	out := make([]frontend.Variable, count)
	for at := range out {
		out[at] = 0
	}
	out[set] = 1
	return out
}

// weights are the slots of all layers.
func (j *job) weights() (weights [][][]frontend.Variable, biases [][]frontend.Variable) {
	inputs := j.Inputs
	for at := range j.Layers {
		columns, constants := j.Layers[at].slots(inputs, j.Element)
		blocks := make([][]frontend.Variable, len(columns))
		for number, block := range columns {
			blocks[number] = variables(block)
		}
		weights, biases = append(weights, blocks), append(biases, variables(constants))
		inputs = j.Layers[at].Outputs
	}
	return weights, biases
}

func variables(numbers []*big.Int) []frontend.Variable {
	out := make([]frontend.Variable, len(numbers))
	for at, number := range numbers {
		out[at] = number
	}
	return out
}

// Define writes the constraints.
func (c *circuit) Define(api frontend.API) error {
	weights, biases := c.Weights, c.Biases
	said := append([]frontend.Variable{}, c.Context...)
	if c.job.Constant {
		weights, biases = c.job.weights()
		said = append(said, 0)
	} else {
		said = append(said, c.commitment(api))
	}
	for at := range c.Runs {
		taken, answered := c.run(api, &c.Runs[at], weights, biases)
		said = append(said, taken, answered)
	}
	api.AssertIsEqual(c.job.Poseidon.hash(api, domainStatement, said), c.Statement)
	return nil
}

// commitment is the hash of the salt, the weights of all layers and their biases.
func (c *circuit) commitment(api frontend.API) frontend.Variable {
	elements := append([]frontend.Variable{}, c.WeightsSalt...)
	for _, blocks := range c.Weights {
		for _, block := range blocks {
			elements = append(elements, block...)
		}
	}
	for _, constants := range c.Biases {
		elements = append(elements, constants...)
	}
	return c.job.Poseidon.hash(api, domainWeights, elements)
}

func (c *circuit) run(api frontend.API, r *runOf, weights [][][]frontend.Variable, biases [][]frontend.Variable) (taken, answered frontend.Variable) {
	values, offset := []frontend.Variable{}, []frontend.Variable{}
	for _, digits := range r.Values {
		number := bits.FromBinary(api, digits)
		offset = append(offset, number)
		values = append(values, api.Sub(number, 128))
	}
	hashed := []frontend.Variable{r.Salt}
	for start := 0; start < len(offset); start += packed {
		hashed = append(hashed, inPlaces(api, offset[start:min(start+packed, len(offset))], 8))
	}
	taken = c.job.Poseidon.hash(api, domainInput, hashed)
	var sums []accumulator
	for at := range c.job.Layers {
		l := &c.job.Layers[at]
		sums = accumulate(api, l, c.job.Element, weights[at], biases[at], values)
		if at+1 < len(c.job.Layers) {
			values = make([]frontend.Variable, len(sums))
			for number := range sums {
				values[number] = requantise(api, &sums[number], l)
			}
		}
	}
	class := argmax(api, sums, r.Flags)
	return taken, c.job.Poseidon.hash(api, domainOutput, []frontend.Variable{r.AnswerSalt, class})
}
