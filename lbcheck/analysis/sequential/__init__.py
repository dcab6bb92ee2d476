"""How many independent draws by weight are enough: a test that looks again and again, and stops when it can tell.

The smallest fault that matters is one server whose weight is multiplied or divided by 1 − detect, with 50 % halved or
doubled. Given n answers, x of them by a server that is owed the share p and would get q if it had that fault, the
likelihood ratio of the fault against a healthy fleet is (q ÷ p)ˣ ((1 − q) ÷ (1 − p))ⁿ⁻ˣ. Three rules stop the test:

- Healthy: for each class of servers with equal shares and each direction, the mean likelihood ratio over the class has
  once been β or less. If a server has the fault, the mean's reciprocal is a martingale under the mixture of the class's
  faults, so by Ville's inequality it ever reaches 1 ÷ β with a probability of at most β; by symmetry it is the same
  whichever server of the class it is. So a fault is overlooked with a probability of at most β.
- Faulty: a server's mixture of likelihood ratios reaches k ÷ 0.1 α, for k servers. By Ville's inequality and
  Bonferroni's, a healthy fleet ever gets there with a probability of at most 0.1 α.
- At the end, after N answers: an exact two-sided binomial test of each server, with 0.9 α ÷ 2k a side. N is at most 1.1
  times what the same test would need if it had all of α and were made once. What it misses there and β are together
  the promised miss.

Looks that can hardly decide are skipped (`pacing`); the bounds above hold whenever it looks. A server that stopped
answering shows by its silence, long before its count does (`analysis/silence`).

None of this needs a calibration, a healthy fleet is called faulty with a probability of at most α however often and
whenever it is looked at, and a faulty server differs by an amount that matters (`faults`).

Sources: A. Wald, "Sequential tests of statistical hypotheses", 1945; H. Robbins, "Statistical methods related to the
law of the iterated logarithm", 1970; S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", 2021; M. Lindon, A. Malek, "Anytime-valid inference for multinomial count data",
2022.
"""
