"""The same cluster in virtual machines: the box that Vagrant starts them from, and a trial of the whole.

Vagrant itself reads ../Vagrantfile, topology.rb and converge.rb; the Python here makes the box (`box`), gives any
command a libvirt daemon of its own in namespaces of its own (`world`), and proves that it all works (`trial`).
"""
