"""The optimiser: Muon (orthogonalised momentum) for the ternary matrices, Adam for the rest."""
import torch

MOMENTUM, NEWTON_SCHULZ = 0.95, (3.4445, -4.7750, 2.0315)


def orthogonal(u, dtype):
    """The orthogonal matrices nearest to a stack u [n][rows][columns]: five Newton-Schulz steps."""
    tall = u.shape[1] > u.shape[2]
    x = u.transpose(1, 2) if tall else u
    x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).to(dtype)
    a, b, c = NEWTON_SCHULZ
    for _ in range(5):
        s = torch.bmm(x, x.transpose(1, 2))
        x = a * x + torch.bmm(b * s + c * torch.bmm(s, s), x)
    return (x.transpose(1, 2) if tall else x).float()


class Optimiser:
    """`rate` of a step is the matrices'; the embedding takes 0.4 of it, the norms 0.5."""

    def __init__(self, model, dtype):
        self.dtype = dtype
        stacks = {}
        for p in model.matrices():
            stacks.setdefault(tuple(p.shape), []).append(p)
        self.stacks = list(stacks.values())
        self.momentum = [torch.zeros(len(s), *s[0].shape, device=s[0].device) for s in self.stacks]
        norms = [p for p in model.parameters() if p.dim() == 1]
        self.clipped = [
            model.embedding
        ] + norms  # Muon's steps have the same size whatever the gradient's
        self.adam = torch.optim.Adam(
            [{"params": [model.embedding], "share": 0.4}, {"params": norms, "share": 0.5}],
            lr=1.0,
            betas=(0.9, 0.95),
            eps=1e-9,
        )

    def step(self, rate, decay, pool):
        """One step with the gradients that the parameters hold; pool's threads share the stacks."""
        for group in self.adam.param_groups:
            group["lr"] = rate * group["share"]
        torch.nn.utils.clip_grad_norm_(self.clipped, 0.5)
        self.adam.step()
        list(pool.map(lambda i: self.step_stack(i, rate, decay), range(len(self.stacks))))

    def step_stack(self, i, rate, decay):
        stack, momentum = self.stacks[i], self.momentum[i]
        with torch.no_grad():
            gradient = torch.stack([p.grad for p in stack])
            momentum.mul_(MOMENTUM).add_(gradient)
            update = orthogonal(gradient.add_(momentum, alpha=MOMENTUM), self.dtype)
            gain = rate * 0.2 * max(update.shape[1:]) ** 0.5
            for p, u in zip(stack, update):
                p.mul_(1 - rate * decay).add_(u, alpha=-gain)

    def state(self):
        return {"adam": self.adam.state_dict(), "momentum": self.momentum}

    def load(self, state):
        self.adam.load_state_dict(state["adam"])
        self.momentum = state["momentum"]
