"""The networks that are compared, as kinolens builds them. Each has `target`, the layer heat maps are made at."""

from torch import nn


class C3D(nn.Module):
    """C3D with batch normalisation and global average pooling."""

    def __init__(self, classes):
        super().__init__()
        layers, channels = [], 3
        for widths, pool in (((64,), (1, 2, 2)), ((128,), 2), ((256, 256), 2), ((512, 512), 2), ((512, 512), 2)):
            for width in widths:
                layers += [nn.Conv3d(channels, width, 3, padding=1), nn.BatchNorm3d(width), nn.ReLU(inplace=True)]
                channels = width
            self.target = layers[-1]
            layers.append(nn.MaxPool3d(pool))
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(512, 256), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(256, classes)
        )

    def forward(self, x):
        return self.head(self.trunk(x).mean((2, 3, 4)))


def unit(inside, outside, kernel=1, stride=1, groups=1, clamp=True):
    """Convolution, normalisation and, if wanted, ReLU6."""
    layers = [
        nn.Conv3d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm3d(outside),
    ]
    return layers + [nn.ReLU6(inplace=True)] if clamp else layers


class Inverted(nn.Module):
    """Expansion, depthwise convolution, projection; with a shortcut where the shape stays."""

    def __init__(self, inside, outside, expansion, stride):
        super().__init__()
        hidden = inside * expansion
        self.shortcut = stride == 1 and inside == outside
        layers = unit(inside, hidden) if expansion != 1 else []
        layers += unit(hidden, hidden, 3, stride, hidden) + unit(hidden, outside, clamp=False)
        self.branch = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.branch(x) if self.shortcut else self.branch(x)


class MobileNet(nn.Module):
    """MobileNetV2 with 3D kernels; `halving` is the stride of the blocks that make the picture smaller."""

    def __init__(self, classes, halving):
        super().__init__()
        layers, channels = unit(3, 32, 3, (1, 2, 2)), 32
        for expansion, width, blocks, halve in (
            (1, 16, 1, False),
            (6, 24, 2, True),
            (6, 32, 3, True),
            (6, 64, 4, True),
            (6, 96, 3, False),
            (6, 160, 3, True),
            (6, 320, 1, False),
        ):
            for block in range(blocks):
                layers.append(Inverted(channels, width, expansion, halving if halve and block == 0 else 1))
                channels = width
        layers += unit(channels, 1280)
        self.target = layers[-1]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.head(self.trunk(x).mean((2, 3, 4)))


class Residual(nn.Module):
    """Two convolutions of 3x3x3 and a shortcut, which is convolved where the shape changes."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        layers, channels = [], inside
        for step in (stride, 1):
            layers += [nn.Conv3d(channels, outside, 3, step, 1, bias=False), nn.BatchNorm3d(outside)]
            layers.append(nn.ReLU(inplace=True))
            channels = outside
        self.branch = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv3d(inside, outside, 1, stride, bias=False), nn.BatchNorm3d(outside))
        self.clamp = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.clamp(self.branch(x) + self.shortcut(x))


class R3D(nn.Module):
    """R3D-18."""

    def __init__(self, classes):
        super().__init__()
        layers, channels = [nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)], 64
        layers += [nn.BatchNorm3d(64), nn.ReLU(inplace=True)]
        for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [Residual(channels, width, stride), Residual(width, width, 1)]
            channels = width
        self.target = layers[-1]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(512, classes)

    def forward(self, x):
        return self.head(self.trunk(x).mean((2, 3, 4)))


# By the names kinolens gives them: constructor, and (frames, rows, columns) of a clip.
NETWORKS = {
    "c3d": (C3D, (16, 112, 112)),
    "r3d-18": (R3D, (16, 112, 112)),
    "mobilenet-v2-3d": (lambda classes: MobileNet(classes, (2, 2, 2)), (16, 128, 128)),
    "mobilenet-v2-3d-high-temporal": (lambda classes: MobileNet(classes, (1, 2, 2)), (16, 128, 128)),
}
