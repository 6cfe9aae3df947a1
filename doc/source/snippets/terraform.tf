resource "openstack_compute_instance_v2" "worker" {
  name        = "worker-1"
  flavor_name = "m1.tiny"
  image_name  = "debian"

  network {
    name = "private"
  }

  scheduler_hints {
    additional_properties = {
      preemptible = "true"
    }
  }
}
