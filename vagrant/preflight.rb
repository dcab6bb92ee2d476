# What can be seen to be wrong before a machine is started: said in a sentence, with a way on.

module Lab
  module Preflight
    EMULATOR_MB = 300 # QEMU itself, with vagrant/emulator.sh; 1,200 without

    # Refuses a `vagrant up` that cannot end well. `hosts` are those that would be started.
    def self.check(hosts, own_box:, emulated:)
      libvirt = Vagrant.has_plugin?("vagrant-libvirt")
      virtualbox = Vagrant::Util::Which.which("VBoxManage")
      wanted = ARGV.join(" ")[/--provider[= ](\w+)/, 1] || ENV["VAGRANT_DEFAULT_PROVIDER"]
      provider(libvirt, virtualbox)
      return if wanted == "virtualbox" || !libvirt

      box if own_box
      kvm unless emulated
      daemon
      memory(hosts, emulated)
    end

    # lbcheck asks from the clients; nothing else has a way into the cluster's networks.
    def self.clients(hosts)
      return if hosts.any? { |host| host.groups.include?("clients") }
      warn "lab: LAB_LIMIT names no client: lbcheck will have no host to ask from (client1, for one)"
    end

    def self.provider(libvirt, virtualbox)
      return if libvirt || virtualbox
      raise Error.new("there is nothing here that runs machines. On Debian and Ubuntu: apt install vagrant-libvirt " \
                      "libvirt-daemon-system; or install VirtualBox")
    end

    def self.box
      return if File.exist?(Box::LATEST)
      raise Error.new("the box is missing: `make box` makes it (root, two minutes); or LAB_BOX=… names a public one")
    end

    def self.kvm
      return if File.exist?("/dev/kvm")
      raise Error.new("this machine has no /dev/kvm: LAB_LIBVIRT_DRIVER=qemu emulates the processor, ten times slower")
    end

    # Nothing is said of a daemon elsewhere.
    def self.daemon
      return if ENV["LIBVIRT_DEFAULT_URI"] || Dir.glob("/run/libvirt/{libvirt,virtqemud}-sock").any?
      raise Error.new("libvirt's daemon does not run: `systemctl start libvirtd`; where there is no systemd, " \
                      "`python -m vagrant world -- vagrant up` gives the command one of its own")
    end

    def self.memory(hosts, emulated)
      free = File.read("/proc/meminfo")[/^MemAvailable: +(\d+)/, 1].to_i / 1024
      each = emulated && !ENV["LAB_EMULATOR"] ? 1200 : EMULATOR_MB
      wanted = hosts.sum { |host| host.memory_mb + each }
      return if wanted <= free
      raise Error.new("#{hosts.size} machines take #{wanted} MB, and #{free} MB are free. " \
                      "LAB_LIMIT=dns1,lb1,web1,client1 starts a part; cluster_memory_mb says what each has")
    rescue Errno::ENOENT
      nil # no Linux
    end
  end
end
