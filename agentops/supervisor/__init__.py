"""The supervisor: who allows. Budgets, permissions and guardrails, as one `Supervisor` that the kernel asks.

What lives here, in the order to read it:

- `limits` (what a budget may say), `budget` (the ledger: reserved before, settled after), `estimate` (the worst case
  of a model call);
- `matchers` and `places` (what an argument must be), `policy_form` (the shape of a policy), `policy_reading` (what is
  wrong with one) and `unreachable` (rules that decide nothing), `policy` (its verdicts), `tally` (limits of rules);
- `guardrails` (functions that look at values) and `stock` (the ones that come along);
- `redact` and `key_shapes` (secrets), `lookalikes` (characters that hide, or pass for others);
- `supervisor` (all of it, behind the kernel's `Gate`);
- `judge` (all of it on its own, for one call), `cases` (the tests inside a policy), `explain` (why a call was decided
  so), `backtest` (recorded calls under another policy).

It may import `agentops.kernel`, `agentops.messages` and `agentops.errors`. It must never do I/O, ask for the time or
for chance, and while judging it must never raise: it is re-run on replay, where the same calls in the same order have
to give the same answers. Declaring something wrongly does raise (`PolicyError`), before a run starts.
"""
