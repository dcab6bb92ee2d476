# What inventory/lab says that machines have to be: names, addresses, memory. Read as YAML, for Vagrant's Ruby knows no
# Ansible: so hosts.yml and group_vars/*.yml only, and no templates in what is read here.

require "ipaddr"
require "yaml"

module Lab
  class Error < Vagrant::Errors::VagrantError
    def initialize(sentence)
      @sentence = sentence
      super()
    end

    def error_message
      "lab: #{@sentence}"
    end
  end

  Interface = Struct.new(:network, :address, :netmask) do
    def prefix_length
      IPAddr.new(netmask).to_i.to_s(2).count("1")
    end
  end

  Host = Struct.new(:name, :groups, :interfaces, :memory_mb, :cpus) do
    # The script that tells a machine of our box its name, and its interfaces their networks' names and addresses, now
    # and at each boot. The first interface is Vagrant's. Said again it changes nothing: systemd-networkd would take what
    # the roles have added off an interface whose file is new.
    def introduction
      lines = ["set -eu", "hostname #{name}", "echo #{name} >/etc/hostname",
               "grep -q '^127.0.1.1' /etc/hosts || echo 127.0.1.1 #{name} >>/etc/hosts", "cd /etc/systemd/network", "new=",
               'put() { printf "$2" | cmp -s - "$1" || { printf "$2" >"$1"; new=1; }; }']
      interfaces.each_with_index do |interface, index|
        network = interface.network
        lines += [
          "put 20-#{network}.link '[Match]\nOriginalName=eth#{index + 1}\n[Link]\nName=#{network}\n'",
          "put 20-#{network}.network '[Match]\nName=#{network}\n[Network]\nAddress=#{interface.address}/#{interface.prefix_length}\n" \
          "IPv6AcceptRA=no\nConfigureWithoutCarrier=yes\n'",
          "[ -e /sys/class/net/#{network} ] || ip link set dev eth#{index + 1} name #{network}",
        ]
      end
      # Until the addresses are there: the roles listen on them. systemd-networkd answers late on a machine that is busy booting.
      waits = interfaces.map { |interface| "ip -o address show to #{interface.address} | grep -q ." }.join(" && ")
      [*lines, "for i in $(seq 300); do", '[ -z "$new" ] || { networkctl reload && new=; } || :', "{ #{waits}; } && exit", "sleep 0.2", "done",
       "echo 'the addresses do not come up' >&2; exit 1"].join("\n")
    end
  end

  Topology = Struct.new(:hosts, :management_network) do
    def self.read(folder)
      reader = Reader.new(folder)
      new(reader.hosts, reader.management_network)
    end

    # The hosts that LAB_LIMIT names; all, if it names none.
    def select(limit)
      names = limit.split(",").map(&:strip).reject(&:empty?)
      unknown = names - hosts.map(&:name)
      unless unknown.empty?
        raise Error.new("LAB_LIMIT names #{unknown.join(", ")}; the inventory has #{hosts.map(&:name).join(", ")}")
      end
      names.empty? ? hosts : hosts.select { |host| names.include?(host.name) }
    end
  end

  class Reader
    def initialize(folder)
      @folder = folder
      @found = {}
      @groups = Hash.new { |groups, name| groups[name] = [] }
      walk("all", load("hosts.yml").fetch("all"), {})
    end

    def hosts
      @found.map { |name, vars| host(name, vars) }
    end

    def management_network
      load("group_vars/all.yml").fetch("cluster_management_network")
    end

    private

    # A group's variables hold in the groups below it, and give way to theirs and to each host's own.
    def walk(group, node, inherited)
      vars = inherited.merge(load("group_vars/#{group}.yml", {})).merge(node["vars"] || {})
      (node["hosts"] || {}).each do |name, own|
        @groups[name] << group
        @found[name] = (@found[name] || {}).merge(vars).merge(own || {})
      end
      (node["children"] || {}).each { |name, child| walk(name, child || {}, vars) }
    end

    def host(name, vars)
      interfaces = want(vars, "cluster_addresses", name).map do |network, addresses|
        prefix = want(vars, "cluster_networks", name).fetch(network)["ipv4"]
        address = addresses.find { |one| IPAddr.new(one).ipv4? }
        raise Error.new("host #{name} has no IPv4 address in #{network}, and Vagrant gives machines no other") unless prefix && address
        Interface.new(network, address, IPAddr.new("255.255.255.255").mask(prefix.split("/").last.to_i).to_s)
      end
      Host.new(name, @groups[name], interfaces, want(vars, "cluster_memory_mb", name), want(vars, "cluster_cpus", name))
    end

    def want(vars, key, name)
      vars.fetch(key) { raise Error.new("host #{name} has no #{key} (#{@folder})") }
    end

    def load(file, otherwise = nil)
      path = File.join(@folder, file)
      return otherwise if otherwise && !File.exist?(path)
      YAML.safe_load(File.read(path), aliases: true) || {}
    rescue SystemCallError, Psych::Exception => error
      raise Error.new("#{path} cannot be read: #{error.message}")
    end
  end

  # The box that `make box` made last. Its name carries its key, so that another box is never taken for it.
  module Box
    LATEST = "/var/cache/lbcheck-box/latest.box"

    def self.name
      "lbcheck-#{File.basename(File.readlink(LATEST), ".box")}"
    rescue SystemCallError
      MISSING
    end

    def self.url
      "file://#{LATEST}"
    end

    MISSING = "lbcheck-missing"
  end
end
