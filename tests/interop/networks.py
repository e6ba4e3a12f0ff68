"""Networks that torchvision does not have, under the names kinolens gives their arrays, and how every network is built.

Each row of NETWORKS, by the id of kinolens: constructor from the number of classes; (frames, rows, columns) of a small
clip; True where frames are seen one by one."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models
from torchvision.models import video


class C3D(nn.Module):
    def __init__(self, classes):
        super().__init__()
        plan = [([3, 64], (1, 2, 2)), ([64, 128], 2), ([128, 256, 256], 2), ([256, 512, 512], 2), ([512, 512, 512], 2)]
        for number, (widths, pool) in enumerate(plan, 1):
            layers = []
            for inside, outside in zip(widths, widths[1:]):
                layers += [nn.Conv3d(inside, outside, 3, padding=1), nn.BatchNorm3d(outside), nn.ReLU()]
            setattr(self, f"block{number}", nn.Sequential(*layers, nn.MaxPool3d(pool)))
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, classes))

    def forward(self, x):
        for number in range(1, 6):
            x = getattr(self, f"block{number}")(x)
        return self.classifier(x.mean((2, 3, 4)))


def unit(inside, outside, kernel, stride=1, groups=1):
    return [nn.Conv3d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm3d(outside)]


class Inverted(nn.Module):
    def __init__(self, inside, outside, stride, expansion):
        super().__init__()
        hidden = inside * expansion
        layers = [*unit(inside, hidden, 1), nn.ReLU6()] if expansion > 1 else []
        layers += [*unit(hidden, hidden, 3, stride, hidden), nn.ReLU6(), *unit(hidden, outside, 1)]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x):
        return self.conv(x) + x if self.shortcut else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self, classes, halving):
        super().__init__()
        layers, inside = [nn.Sequential(*unit(3, 32, 3, (1, 2, 2)), nn.ReLU6())], 32
        rows = [(1, 16, 1, 1), (6, 24, 2, halving), (6, 32, 3, halving), (6, 64, 4, halving), (6, 96, 3, 1), (6, 160, 3, halving), (6, 320, 1, 1)]
        for expansion, outside, count, stride in rows:
            for block in range(count):
                layers.append(Inverted(inside, outside, 1 if block else stride, expansion))
                inside = outside
        layers.append(nn.Sequential(*unit(inside, 1280, 1), nn.ReLU6()))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3, 4)))


def pad_same(x, kernel, stride):
    """Zeros at both sides, one more behind where they are odd, so that every stride counts."""
    sides = []
    for size, k, s in reversed(list(zip(x.shape[2:], kernel, stride))):
        whole = max(k - (size % s or s), 0)
        sides += [whole // 2, whole - whole // 2]
    return F.pad(x, sides)


class Same(nn.Module):
    """Max pooling of what pad_same gives."""

    def __init__(self, kernel, stride):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Unit(nn.Module):
    def __init__(self, inside, outside, size=1, stride=1, last=False):
        super().__init__()
        self.kernel, self.stride, self.last = (size,) * 3, (stride,) * 3, last
        self.conv3d = nn.Conv3d(inside, outside, size, stride, bias=last)
        if not last:
            self.bn = nn.BatchNorm3d(outside, eps=1e-3, momentum=0.01)

    def forward(self, x):
        x = self.conv3d(pad_same(x, self.kernel, self.stride))
        return x if self.last else self.bn(x).relu()


class Inception(nn.Module):
    def __init__(self, inside, a, b, c, d, e, f):
        super().__init__()
        self.b0, self.b1a, self.b1b = Unit(inside, a), Unit(inside, b), Unit(b, c, 3)
        self.b2a, self.b2b = Unit(inside, d), Unit(d, e, 3)
        self.b3a, self.b3b = Same((3, 3, 3), (1, 1, 1)), Unit(inside, f)

    def forward(self, x):
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class I3D(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, 2)
        self.MaxPool3d_2a_3x3 = Same((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1, self.Conv3d_2c_3x3 = Unit(64, 64), Unit(64, 192, 3)
        self.MaxPool3d_3a_3x3 = Same((1, 3, 3), (1, 2, 2))
        self.Mixed_3b, self.Mixed_3c = Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64)
        self.MaxPool3d_4a_3x3 = Same((3, 3, 3), (2, 2, 2))
        widths = {
            "b": (480, 192, 96, 208, 16, 48, 64), "c": (512, 160, 112, 224, 24, 64, 64), "d": (512, 128, 128, 256, 24, 64, 64),
            "e": (512, 112, 144, 288, 32, 64, 64), "f": (528, 256, 160, 320, 32, 128, 128),
        }
        for letter, row in widths.items():
            setattr(self, f"Mixed_4{letter}", Inception(*row))
        self.MaxPool3d_5a_2x2 = Same((2, 2, 2), (2, 2, 2))
        self.Mixed_5b, self.Mixed_5c = Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128)
        self.order = [name for name, _ in self.named_children()]
        self.logits = Unit(1024, classes, last=True)

    def forward(self, x):
        for name in self.order:
            x = getattr(self, name)(x)
        return self.logits(x.mean((2, 3, 4), keepdim=True)).flatten(1)


class ImageHead(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.base_model = nn.Sequential(*list(models.resnet50(weights=None).children())[:-2])
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(2048, 512, 3, padding=1), nn.BatchNorm2d(512), nn.ReLU()
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(512, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU()
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(self.base_model(x))))
        return self.fc(self.relu2(self.bn2(self.conv2(x))).mean((2, 3)))


class Frames(nn.Module):
    """A network for pictures over the frames of a clip; its own arrays keep their names."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        b, c, t, h, w = x.shape
        return self.inside(x.transpose(1, 2).reshape(b * t, c, h, w)).view(b, t, -1).mean(1)


NETWORKS = {
    "c3d": (C3D, (16, 112, 112), False),
    "mobilenet-v2-3d": (lambda k: MobileNet(k, 2), (16, 112, 112), False),
    "mobilenet-v2-3d-high-temporal": (lambda k: MobileNet(k, (1, 2, 2)), (8, 96, 96), False),
    "r3d-18": (lambda k: video.r3d_18(weights=None, num_classes=k), (16, 112, 112), False),
    "r2plus1d-18": (lambda k: video.r2plus1d_18(weights=None, num_classes=k), (16, 112, 112), False),
    "mc3-18": (lambda k: video.mc3_18(weights=None, num_classes=k), (16, 112, 112), False),
    "i3d": (I3D, (16, 160, 160), False),
    "resnet-18": (lambda k: models.resnet18(weights=None, num_classes=k), (4, 160, 160), True),
    "resnet-50": (lambda k: models.resnet50(weights=None, num_classes=k), (4, 160, 160), True),
    "efficientnet-b0": (lambda k: models.efficientnet_b0(weights=None, num_classes=k), (4, 160, 160), True),
    "har-resnet-50": (ImageHead, (1, 160, 160), True),
}
